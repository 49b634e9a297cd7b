package message

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// maxWaiting is how many calls of Send and its like may wait to be written at once; further ones wait for a place. The callers own the
// messages, so this bounds the burst after a reconnect, not memory.
const maxWaiting = 64

// A part is one packet of a call: fill puts it into room and returns its size.
type part struct {
	topic string
	fill  func(room []byte) (int, error)
}

// An outgoing is one call of Send or its like.
type outgoing struct {
	parts []part     // not yet published, in order
	begun bool       // a part was published
	done  chan error // of one: the outcome, once
}

// An outbox holds what waits to be written, and is the link's source of packets. They are sealed when the connection takes them, so that
// their times are right however long they waited, and what was not sent when its caller gave up is never sent.
type outbox struct {
	link   *link.Link
	sent   *atomic.Uint64
	places chan struct{} // one element for each call that has a place

	mu      sync.Mutex  // guards what follows and the messages of the calls in it; no call of the link is made under it
	waiting []*outgoing // with parts left, in order
	written []*outgoing // all parts published, the last ones into the batch that is being written
	packets uint64      // in the batch that is being written
	closed  bool
}

var _ link.Source = (*outbox)(nil)

func newOutbox(sent *atomic.Uint64) *outbox {
	return &outbox{sent: sent, places: make(chan struct{}, maxWaiting)}
}

var (
	errInterrupted = fmt.Errorf("message: may be lost: the connection ended while it was written: %w", mqtte2e.ErrBroker)
	errClosed      = fmt.Errorf("message: the Session is closed: %w", net.ErrClosed)
)

// send waits until all parts were written, or ctx ends.
func (o *outbox) send(ctx context.Context, parts []part) error {
	if err := ctx.Err(); err != nil {
		return notSent(err, o.link.IsUp())
	}
	select {
	case o.places <- struct{}{}:
	case <-ctx.Done():
		return notSent(ctx.Err(), o.link.IsUp())
	}
	defer func() { <-o.places }()
	item := &outgoing{parts: parts, done: make(chan error, 1)}
	if !o.add(item) {
		return errClosed
	}
	o.link.Wake()
	select {
	case err := <-item.done:
		return err
	case <-ctx.Done():
		return o.withdraw(item, notSent(ctx.Err(), o.link.IsUp()))
	}
}

func (o *outbox) add(item *outgoing) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.waiting = append(o.waiting, item)
	}
	return !o.closed
}

func notSent(cause error, isUp bool) error {
	if !isUp {
		cause = fmt.Errorf("%w: not connected at the moment: %w", mqtte2e.ErrBroker, cause)
	}
	return fmt.Errorf("message: not sent: %w", cause)
}

// withdraw ends item's wait, and returns its outcome: notSent if nothing of it was.
func (o *outbox) withdraw(item *outgoing, notSent error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case err := <-item.done:
		return err
	default:
	}
	is := func(other *outgoing) bool { return other == item }
	o.waiting = slices.DeleteFunc(o.waiting, is)
	o.written = slices.DeleteFunc(o.written, is)
	if item.begun {
		return fmt.Errorf("message: may be lost: it was being written, to one topic or to several: %w", errors.Unwrap(notSent))
	}
	return notSent
}

// Fill publishes into batch what waits. That it is called means that the batch before was written.
func (o *outbox) Fill(batch *link.Batch, _ time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent.Add(o.packets)
	o.packets = 0
	o.finishWritten(nil)
	for len(o.waiting) > 0 && !batch.Full() {
		o.publish(o.waiting[0], batch)
	}
}

// publish publishes the next part of item, which is the first that waits.
func (o *outbox) publish(item *outgoing, batch *link.Batch) {
	next := item.parts[0]
	item.parts = item.parts[1:]
	n, err := next.fill(batch.Publish(next.topic))
	if err != nil {
		batch.Commit(0)
		item.done <- err
		o.waiting = o.waiting[1:]
		return
	}
	batch.Commit(n)
	o.packets++
	item.begun = true
	if len(item.parts) == 0 {
		o.waiting = o.waiting[1:]
		o.written = append(o.written, item)
	}
}

func (o *outbox) finishWritten(outcome error) {
	for _, item := range o.written {
		item.done <- outcome
	}
	clear(o.written)
	o.written = o.written[:0]
}

// Up has nothing to do: the link calls Fill next.
func (o *outbox) Up(time.Time) {}

// Down fails what was being written when the connection ended. What had not begun waits for the next one.
func (o *outbox) Down(time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.packets = 0
	o.finishWritten(errInterrupted)
	if len(o.waiting) > 0 && o.waiting[0].begun {
		o.waiting[0].done <- errInterrupted
		o.waiting = o.waiting[1:]
	}
}

// close fails everything that waits, and what comes later.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.finishWritten(errInterrupted)
	for _, item := range o.waiting {
		item.done <- errClosed
	}
	o.waiting = nil
}
