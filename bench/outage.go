package main

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// outageLength is how much the transfer under an outage moves, in bytes; it strikes after a quarter.
const outageLength = 256 << 20

// outage kills the broker under a transfer and starts it again at once, and returns how long after it took connections the
// receiver had the next byte. The transfer is checked to its end.
func (b *broker) outage(ctx context.Context) (time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return 0, err
	}
	defer e.close()
	near, far, err := e.connect(ctx)
	if err != nil {
		return 0, err
	}
	watched := &watchedConn{Conn: far, quarter: make(chan struct{})}
	restarted := make(chan error, 1)
	go func() {
		<-watched.quarter
		b.stop()
		err := b.start()
		now := time.Now()
		watched.back.Store(&now)
		restarted <- err
	}()
	if _, err := transfer(near, watched, writeSize, outageLength); err != nil {
		return 0, err
	}
	return watched.gap, <-restarted
}

// watchedConn notes when the first byte comes after the broker is back. Everything but back belongs to the reader.
type watchedConn struct {
	net.Conn
	read    int
	quarter chan struct{} // closed once a quarter has been read; then nil
	back    atomic.Pointer[time.Time]
	gap     time.Duration
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.read += n; c.quarter != nil && c.read >= outageLength/4 {
		close(c.quarter)
		c.quarter = nil
	}
	if back := c.back.Load(); back != nil && c.gap == 0 {
		c.gap = time.Since(*back)
	}
	return n, err
}
