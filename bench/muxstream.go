package main

import (
	"context"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/mux"
)

// muxTransfer is connTransfer with a stream of package mux over the Conn.
func (b *broker) muxTransfer(ctx context.Context, messageSize int, length int64) (time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", messageSize)
	if err != nil {
		return 0, err
	}
	defer e.close()
	near, far, err := e.connect(ctx)
	if err != nil {
		return 0, err
	}
	from, to, err := openStream(ctx, near, far)
	if err != nil {
		return 0, err
	}
	return transfer(from, to, writeSize, length)
}

// openStream opens a stream over a Conn and returns both its ends, which end with the Conn.
func openStream(ctx context.Context, near, far net.Conn) (from, to net.Conn, err error) {
	client, err := mux.Client(near)
	if err != nil {
		return nil, nil, err
	}
	server, err := mux.Server(far)
	if err != nil {
		return nil, nil, err
	}
	if from, err = client.Open(ctx); err != nil {
		return nil, nil, err
	}
	to, err = server.Accept()
	return from, to, err
}
