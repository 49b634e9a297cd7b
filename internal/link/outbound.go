package link

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// outbound writes to the broker: what the Source fills into the batch, paho's packets, and pings. It is the only writer, and
// writes whole batches. Everything belongs to the writer goroutine but what says otherwise.
type outbound struct {
	transport io.Writer
	source    Source
	batch     *Batch
	wake      chan struct{}
	session   *pahoConn
	largest   *largest
	pongs     *atomic.Uint64 // counted by the reader
	clock     *readClock
	failed    <-chan struct{}

	pingRequested *atomic.Bool  // set by the reader: a WebSocket ping waits for its answer, which goes out with the next write
	subscribed    chan struct{} // closed by the run loop: all subscriptions are confirmed
	up            chan struct{} // closed when the Source knows
	isUp          bool

	keepAlive keepAlive
	unsent    unsent
}

func newOutbound(c *connection, parts connectionParts, clock *readClock, pingRequested *atomic.Bool) *outbound {
	parts.batch.Reset()
	parts.batch.limit = batchLimit
	parts.largest.begin()
	return &outbound{
		transport:     c.transport,
		source:        parts.source,
		batch:         parts.batch,
		wake:          parts.wake,
		session:       c.session,
		largest:       parts.largest,
		pongs:         &c.inbound.pongs,
		clock:         clock,
		failed:        c.failed,
		pingRequested: pingRequested,
		subscribed:    make(chan struct{}),
		up:            make(chan struct{}),
		keepAlive:     keepAlive{lastWrite: clock.start},
		unsent:        newUnsent(c.transport.socket.bound),
	}
}

// run writes until the connection ends. Its error is never nil.
func (w *outbound) run() error {
	timer := time.NewTimer(keepAliveInterval)
	defer timer.Stop()
	for {
		next, err := w.writeAll()
		if err != nil {
			return err
		}
		timer.Reset(time.Until(next))
		select {
		case <-w.failed:
			return ErrClosed // somebody else knows the reason
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// writeAll writes batches until there is nothing to write, and returns when to look again without being woken.
func (w *outbound) writeAll() (next time.Time, err error) {
	for {
		now := time.Now()
		next, ping, dead := w.keepAlive.update(now, w.clock.lastRead())
		if dead {
			return next, fmt.Errorf("the broker has been silent for %v after a ping", answerTimeout)
		}
		ping = w.pingRequested.Swap(false) || ping
		disconnect, err := w.fill(now, ping)
		if err != nil {
			return next, err
		}
		if len(w.batch.Bytes()) == 0 {
			return next, nil
		}
		if err := w.write(now, ping); err != nil {
			return next, err
		}
		if disconnect {
			return next, ErrClosed
		}
	}
}

// fill collects the next batch. Data goes before paho's packets, so that DISCONNECT comes last.
func (w *outbound) fill(now time.Time, ping bool) (disconnect bool, err error) {
	w.batch.Reset()
	w.checkUp(now)
	if w.isUp {
		w.source.Fill(w.batch, now)
	}
	if w.largest.wrote(w.batch.largest, w.pongs.Load()) || ping {
		w.largest.pings++
		w.batch.appendControl(typePingReq<<4, 0)
	}
	return w.session.appendTo(w.batch)
}

// checkUp tells the Source once that the connection is up. It is done here so that all calls of the Source but Down come from
// one goroutine.
func (w *outbound) checkUp(now time.Time) {
	if w.isUp {
		return
	}
	select {
	case <-w.subscribed:
		w.source.Up(now)
		w.isUp = true
		close(w.up)
	default:
	}
}

// write writes the batch at once. now is a time before it.
func (w *outbound) write(now time.Time, ping bool) error {
	start := time.Now()
	if _, err := w.transport.Write(w.batch.Bytes()); err != nil {
		return fmt.Errorf("writing to the broker: %w", err)
	}
	end := time.Now()
	w.unsent.wrote(len(w.batch.Bytes()), end.Sub(start))
	w.batch.limit = w.unsent.batch()
	w.keepAlive.wrote(now, end, ping)
	return nil
}
