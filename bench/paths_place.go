package main

import (
	"fmt"
	"path/filepath"
	"strings"
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
	if p.hosts, err = freeHosts(mostBrokers); err != nil {
		return nil, err
	}
	for i, host := range p.hosts {
		p.brokers = append(p.brokers, &mosquitto{program: program, file: filepath.Join(dir, fmt.Sprint("mosquitto", i)),
			lines: "listener " + portOf(host) + " 127.0.0.1\nallow_anonymous true\nlog_type none\n"})
	}
	return p, nil
}

// freeHosts returns loopback addresses that nothing listens on now.
func freeHosts(n int) ([]string, error) {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	chosen := &broker{hosts: make(map[string]string)}
	if err := chosen.chooseHosts(names); err != nil {
		return nil, err
	}
	hosts := make([]string, n)
	for i, name := range names {
		hosts[i] = chosen.hosts[name]
	}
	return hosts, nil
}

func portOf(host string) string { return host[strings.LastIndex(host, ":")+1:] }

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
	return awaitHost(p.hosts[number])
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
