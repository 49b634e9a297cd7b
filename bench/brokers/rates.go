package main

import (
	"context"
	"io"
	"net"
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

const (
	// echoSize is the payload of a round trip, in bytes: a keystroke with its frames.
	echoSize = 64

	// growth is what a transfer moves before round trips beside it are measured, in bytes: until its window has grown.
	growth = 64 << 20
)

// rates measures throughput and round trips, where figures are wanted.
func (t *trial) rates(ctx context.Context) error {
	if !t.measure {
		return nil
	}
	err := t.connected(ctx, func(near, far net.Conn) error {
		elapsed, err := transfer(near, far, t.one)
		t.oneWay = float64(t.one) / 1e6 / elapsed.Seconds()
		return err
	})
	if err != nil {
		return err
	}
	err = t.connected(ctx, func(near, far net.Conn) error {
		times, err := roundTrips(near, far, t.echoes)
		if err == nil {
			t.median, t.p99 = times[len(times)/2], times[len(times)*99/100]
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.besideTransfer(ctx)
}

// besideTransfer measures round trips beside another Conn of the same connections, which carries as much as it can.
func (t *trial) besideTransfer(ctx context.Context) error {
	e, err := t.newEnds(ctx, nil, nil)
	if err != nil {
		return err
	}
	defer e.close()
	bulk, sink, err := e.connect(ctx)
	if err != nil {
		return err
	}
	go send(bulk, 1<<62)
	if _, err := io.CopyN(io.Discard, sink, growth); err != nil {
		return err
	}
	go io.Copy(io.Discard, sink)
	defer func() {
		bulk.SetDeadline(time.Now())
		sink.Close()
	}()
	near, far, err := e.connect(ctx)
	if err != nil {
		return err
	}
	times, err := roundTrips(near, far, t.echoes/4)
	if err == nil {
		t.beside = times[len(times)*99/100]
	}
	return err
}

// roundTrips measures n of them, and returns them sorted.
func roundTrips(near, far net.Conn, n int) ([]time.Duration, error) {
	go io.Copy(far, far)
	times := make([]time.Duration, n)
	for i := range times {
		var err error
		if times[i], err = roundTrip(near); err != nil {
			return nil, err
		}
	}
	slices.Sort(times)
	return times, nil
}

// roundTrip sends something and waits until it is back.
func roundTrip(conn net.Conn) (time.Duration, error) {
	start := time.Now()
	conn.SetDeadline(start.Add(patience))
	if _, err := conn.Write(content.At(0, echoSize)); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(conn, make([]byte, echoSize))
	return time.Since(start), err
}
