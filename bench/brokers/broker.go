package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// errMissing is why a broker cannot be checked here.
var errMissing = errors.New("is not installed")

// broker is one that this program starts: its processes, and the ways to it.
type broker struct {
	version string // what it calls itself
	ways    []way

	helpers []*process // started before the others, and not struck
	nodes   []*process // the first is the one that an outage strikes
}

// way is how a broker is reached.
type way struct {
	name             string      // for the table; empty where there is one only
	dialer, listener string      // the broker's address as the two ends have it
	tls              *tls.Config // trusts the broker
	roots            string      // the file of the certificate that tls trusts
}

// kind is a kind of broker.
type kind struct {
	name string

	// prepare writes a broker's files to dir. errMissing: something that it needs is not installed.
	prepare func(dir string) (*broker, error)
}

// kinds are the brokers in the order of the table.
var kinds = []kind{
	{"Mosquitto", prepareMosquitto},
	{"RabbitMQ", prepareRabbitMQ},
	{"NATS", func(dir string) (*broker, error) { return prepareNATS(dir, 1) }},
	{"NATS, three nodes", func(dir string) (*broker, error) { return prepareNATS(dir, 3) }},
	{"ejabberd", prepareEjabberd},
	{"aedes", prepareAedes},
	{"the embedded broker", prepareEmbedded},
}

// open starts a broker of the kind, with its files in a directory of its own below dir.
func (k kind) open(dir string) (*broker, error) {
	own, err := os.MkdirTemp(dir, "broker")
	if err != nil {
		return nil, err
	}
	b, err := k.prepare(own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	if err := b.start(); err != nil {
		b.stop()
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	return b, nil
}

// start starts the processes. The nodes of a cluster listen only once they have found each other.
func (b *broker) start() error {
	for _, p := range b.helpers {
		if err := p.start(); err != nil {
			return err
		}
	}
	started := make(chan error, len(b.nodes))
	for _, p := range b.nodes {
		go func() { started <- p.start() }()
	}
	var err error
	for range b.nodes {
		err = errors.Join(err, <-started)
	}
	return err
}

func (b *broker) stop() {
	for _, p := range b.nodes {
		p.kill()
	}
	for _, p := range b.helpers {
		p.kill()
	}
}

// addNode adds a process whose log is in dir.
func (b *broker) addNode(dir string, listens []string, arguments ...string) *process {
	p := &process{arguments: arguments, listens: listens, log: filepath.Join(dir, fmt.Sprintf("log%d", len(b.nodes)+1))}
	b.nodes = append(b.nodes, p)
	return p
}

// find returns the path of a program, which Debian may have put where only root's search path looks.
func find(name string, elsewhere ...string) (path string, err error) {
	for _, candidate := range append([]string{name}, elsewhere...) {
		if path, err = exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s %w", name, errMissing)
}
