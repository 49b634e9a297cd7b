package main

import (
	"net"
	"sync"
)

// The ends of a Conn.
const (
	dialing = iota
	listening
)

// endOf returns the end that sends, or the one that receives, on the way there or back.
func endOf(sender, back bool) int {
	if sender != back {
		return dialing
	}
	return listening
}

// hosted is the brokers of an address behind proxies, one for each end and broker, that can stop passing anything.
type hosted struct{ proxies [2][]*mute }

func newHosted(brokers []string) (*hosted, error) {
	h := new(hosted)
	for end := range h.proxies {
		for _, broker := range brokers {
			m, err := newMute(broker)
			if err != nil {
				h.close()
				return nil, err
			}
			h.proxies[end] = append(h.proxies[end], m)
		}
	}
	return h, nil
}

// hosts are what an end connects to.
func (h *hosted) hosts(end int) (hosts []string) {
	for _, m := range h.proxies[end] {
		hosts = append(hosts, m.listener.Addr().String())
	}
	return hosts
}

// cut has nothing pass any more between an end and the first broker.
func (h *hosted) cut(end int) func() error {
	return func() error {
		h.proxies[end][0].silence()
		return nil
	}
}

func (h *hosted) close() {
	for _, proxies := range h.proxies {
		for _, m := range proxies {
			m.close()
		}
	}
}

// mute is a proxy that can stop passing anything, without closing a connection: as a network does that drops all packets.
type mute struct {
	listener net.Listener
	broker   string

	mu     sync.Mutex // guards all below
	silent bool
	open   []net.Conn // bounded by the number of connections of an end in one measurement
}

func newMute(broker string) (*mute, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &mute{listener: l, broker: broker}
	go m.serve()
	return m, nil
}

func (m *mute) serve() {
	for {
		client, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.keep(client)
		if m.isSilent() {
			continue
		}
		server, err := net.Dial("tcp", m.broker)
		if err != nil {
			client.Close()
			continue
		}
		m.keep(server)
		go m.pass(client, server)
		go m.pass(server, client)
	}
}

func (m *mute) keep(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = append(m.open, c)
}

func (m *mute) isSilent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.silent
}

// silence has nothing pass any more, not over new connections either.
func (m *mute) silence() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silent = true
}

// pass passes what comes on one connection to the other, until one ends or nothing passes any more.
func (m *mute) pass(from, to net.Conn) {
	buffer := make([]byte, readSize)
	for {
		n, err := from.Read(buffer)
		if m.isSilent() {
			return
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			from.Close()
			to.Close()
			return
		}
	}
}

func (m *mute) close() {
	m.listener.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.open {
		c.Close()
	}
}
