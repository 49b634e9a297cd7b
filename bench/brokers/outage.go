package main

import (
	"context"
	"errors"
	"net"
	"time"
)

// strike kills the broker in a transfer, or the dialer's node of a cluster, and starts it again at once. The transfer is checked to
// its end.
func (t *trial) strike(ctx context.Context) error {
	return t.connected(ctx, func(near, far net.Conn) error {
		w := &watched{Conn: far, until: t.outage / 4, due: make(chan struct{})}
		back := make(chan time.Time, 1)
		failed := make(chan error, 1)
		go func() {
			<-w.due
			t.nodes[0].kill()
			err := t.nodes[0].start()
			back <- time.Now()
			failed <- err
		}()
		if _, err := transfer(near, w, t.outage); err != nil {
			return err
		}
		t.still = w.gap
		t.late = min(max(w.resumed.Sub(<-back), 0), w.gap)
		if reconnects(near) == 0 {
			return errors.Join(<-failed, errors.New("the dialer did not notice that its broker was killed"))
		}
		return <-failed
	})
}

// watched notes the longest time without a byte from when a transfer has come so far. It belongs to the reader.
type watched struct {
	net.Conn
	until   int64         // bytes
	due     chan struct{} // closed then
	last    time.Time
	gap     time.Duration
	resumed time.Time // the end of gap
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	now := time.Now()
	if gap := now.Sub(w.last); !w.last.IsZero() && gap > w.gap {
		w.gap, w.resumed = gap, now
	}
	if w.until -= int64(n); w.until > 0 {
		return n, err
	}
	if w.last.IsZero() {
		close(w.due)
	}
	w.last = now
	return n, err
}
