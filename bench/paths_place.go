package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

// mostBrokers is how many brokers a place has.
const mostBrokers = 3

// place is Mosquitto several times, for the addresses of a run.
type place struct {
	program string
	dir     string // for files
	brokers []*mosquitto
	hosts   []string // of the brokers
	turn    int      // of the round: transfers go there and back in turn
	say     func(format string, values ...any)
}

// newPlace chooses the addresses of brokers that do not run yet.
func newPlace(dir string) (*place, error) {
	program, err := findMosquitto()
	if err != nil {
		return nil, err
	}
	p := &place{program: program, dir: dir}
	if p.hosts, err = loopback.Free(mostBrokers); err != nil {
		return nil, err
	}
	for i, host := range p.hosts {
		p.brokers = append(p.brokers, &mosquitto{program: program, file: filepath.Join(dir, fmt.Sprint("mosquitto", i)),
			lines: "listener " + loopback.Port(host) + " 127.0.0.1\nallow_anonymous true\nlog_type none\n"})
	}
	return p, nil
}

// start starts all brokers anew, so that none has anything left of a measurement.
func (p *place) start() error {
	for i := range p.brokers {
		if err := p.restart(i); err != nil {
			return err
		}
	}
	return nil
}

// restart kills a broker and starts it again.
func (p *place) restart(number int) error {
	p.brokers[number].stop()
	if err := p.brokers[number].start(); err != nil {
		return err
	}
	return loopback.Await(p.hosts[number], wireTimeout)
}

func (p *place) stop() {
	for _, b := range p.brokers {
		b.stop()
	}
}

// addressOf returns the address that names these hosts.
func addressOf(hosts []string) string { return "mqtt://" + strings.Join(hosts, ",mqtt://") }

// back reports whether transfers of this round go from the listener to the dialer.
func (p *place) back() bool { return p.turn%2 == 1 }
