package main

import (
	"context"
	"fmt"
	"net"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/bench/wan"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// wanWay makes streams between the two ends of a measurement. listen returns one listener, or one for each bulk stream, and dial what
// makes the stream with index i.
type wanWay struct {
	listen func(ctx context.Context, s *wanSpec) ([]net.Listener, error)
	dial   func(s *wanSpec) (func(ctx context.Context, i int) (net.Conn, error), error)
}

var wanWays = map[string]wanWay{
	"tcp":   {listenTCP, dialTCP},
	"conn":  {listenConn, dialConn},
	"apart": {listenApart, dialApart},
	"mux":   {listenMux, dialMux},
}

func (s *wanSpec) config() (*mqtte2e.Config, error) {
	key, err := mqtte2e.ParseKey(s.Key)
	return &mqtte2e.Config{Key: key, MaxMessageSize: s.MessageSize}, err
}

func listenTCP(_ context.Context, s *wanSpec) ([]net.Listener, error) {
	l, err := net.Listen("tcp", s.Address)
	return []net.Listener{l}, err
}

func dialTCP(s *wanSpec) (func(context.Context, int) (net.Conn, error), error) {
	return func(ctx context.Context, _ int) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	}, nil
}

// listenConn listens for Conns of one Endpoint.
func listenConn(ctx context.Context, s *wanSpec) ([]net.Listener, error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	l, err := mqtte2e.Listen(ctx, s.Address+"#wan", config)
	return []net.Listener{l}, err
}

func dialConn(s *wanSpec) (func(context.Context, int) (net.Conn, error), error) {
	config, err := s.config()
	endpoint := &mqtte2e.Endpoint{Broker: s.Address, Config: config}
	return func(ctx context.Context, _ int) (net.Conn, error) { return endpoint.Dial(ctx, "wan") }, err
}

// listenApart listens for Conns of which each has an Endpoint of its own, at both ends.
func listenApart(ctx context.Context, s *wanSpec) (all []net.Listener, err error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	for i := range s.Bulks {
		l, err := mqtte2e.Listen(ctx, fmt.Sprintf("%s#wan%d", s.Address, i), config)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func dialApart(s *wanSpec) (func(context.Context, int) (net.Conn, error), error) {
	config, err := s.config()
	return func(ctx context.Context, i int) (net.Conn, error) {
		return mqtte2e.Dial(ctx, fmt.Sprintf("%s#wan%d", s.Address, i%s.Bulks), config) // the echo is beside one of them
	}, err
}

// listenMux listens for streams of package mux over a Conn.
func listenMux(ctx context.Context, s *wanSpec) ([]net.Listener, error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	l, err := mux.Listen(ctx, s.Address+"#wan", config)
	return []net.Listener{l}, err
}

func dialMux(s *wanSpec) (func(context.Context, int) (net.Conn, error), error) {
	config, err := s.config()
	dialer := &mux.Dialer{Endpoint: &mqtte2e.Endpoint{Broker: s.Address, Config: config}}
	return func(ctx context.Context, _ int) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", "wan") }, err
}

// pair is the ends of a measurement.
type pair struct{ far, near wanSpec }

// tcpPort is where the far end listens for TCP.
const tcpPort = "7000"

// straight is a TCP connection over both links, past the broker: the yardstick.
func straight() pair {
	return pair{far: wanSpec{Way: "tcp", Address: ":" + tcpPort}, near: wanSpec{Way: "tcp", Address: wan.B + ":" + tcpPort}}
}

// throughBroker is one of the ways that end at the broker.
func throughBroker(way string) pair {
	return pair{
		far:  wanSpec{Way: way, Address: "mqtt://" + wan.BrokerFromB},
		near: wanSpec{Way: way, Address: "mqtt://" + wan.BrokerFromA},
	}
}
