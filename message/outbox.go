package message

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mqtt-e2e/mqtte2e"
)

const (
	// maxWaiting is how many calls of Send and its like may wait to be written at once; further ones wait for a place. The callers own the
	// messages, so this bounds the burst after a reconnect, not memory.
	maxWaiting = 64

	// maxKept is how much is kept, bytes, for the links that have not published yet what another one has: 64 of the largest packets, 16 batches.
	maxKept = 4 << 20
)

// A part is one packet of a call: fill puts it into room and returns its size.
type part struct {
	topic string
	fill  func(room []byte) (int, error)
}

// An outgoing is one call of Send or its like.
type outgoing struct {
	left  int        // packets that no link has written yet
	begun bool       // one of its packets was published
	over  bool       // done has the outcome
	done  chan error // of one: the outcome, once
}

// A packet is a part on its way to the links.
type packet struct {
	part
	call   *outgoing
	number uint64 // in the order of the calls
	sealed []byte // what the first link has published, kept for the others; nil before, and if there are none
	taken  bool   // a link has written it
}

// An outbox holds what waits to be written. Each link publishes all of it, in order, through a lane of its own; who reads on several
// brokers gets copies, and drops them. Packets are sealed when the first connection takes them, so that their times are right however
// long they waited, and what was not sent when its caller gave up is never sent.
type outbox struct {
	sent   *atomic.Uint64
	places chan struct{} // one element for each call that has a place
	lanes  []*lane       // fixed before the first call

	mu     sync.Mutex // guards what follows, and the lanes, calls and packets; no call of a link is made under it
	queue  []*packet  // not published yet by every link that is up; at most maxWaiting calls and, of those that are over, maxKept
	kept   int        // bytes of sealed in queue
	last   uint64     // number of the packet that was added last
	closed bool
}

func newOutbox(sent *atomic.Uint64) *outbox {
	return &outbox{sent: sent, places: make(chan struct{}, maxWaiting)}
}

// addLane adds a way out. The caller sets its link.
func (o *outbox) addLane() *lane {
	l := &lane{outbox: o}
	o.lanes = append(o.lanes, l)
	return l
}

var (
	errInterrupted = fmt.Errorf("message: may be lost: the connection ended while it was written: %w", mqtte2e.ErrBroker)
	errClosed      = fmt.Errorf("message: the Session is closed: %w", net.ErrClosed)
)

// send waits until all parts were written, or ctx ends.
func (o *outbox) send(ctx context.Context, parts []part) error {
	if err := ctx.Err(); err != nil {
		return o.notSent(err)
	}
	select {
	case o.places <- struct{}{}:
	case <-ctx.Done():
		return o.notSent(ctx.Err())
	}
	defer func() { <-o.places }()
	call := &outgoing{left: len(parts), done: make(chan error, 1)}
	if !o.add(call, parts) {
		return errClosed
	}
	for _, lane := range o.lanes {
		lane.link.Wake()
	}
	select {
	case err := <-call.done:
		return err
	case <-ctx.Done():
		return o.withdraw(call, o.notSent(ctx.Err()))
	}
}

func (o *outbox) add(call *outgoing, parts []part) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	for _, part := range parts {
		o.last++
		o.queue = append(o.queue, &packet{part: part, call: call, number: o.last})
	}
	return true
}

func (o *outbox) notSent(cause error) error {
	isUp := func(l *lane) bool { return l.link.IsUp() }
	if !slices.ContainsFunc(o.lanes, isUp) {
		cause = fmt.Errorf("%w: not connected at the moment: %w", mqtte2e.ErrBroker, cause)
	}
	return fmt.Errorf("message: not sent: %w", cause)
}

// withdraw ends the wait of call, and returns its outcome: notSent if nothing of it was.
func (o *outbox) withdraw(call *outgoing, notSent error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if call.begun {
		notSent = fmt.Errorf("message: may be lost: it was being written, to one topic or to several: %w", errors.Unwrap(notSent))
	}
	o.finish(call, notSent)
	return <-call.done
}

// finish gives call its outcome, if it has none. What is left of one that failed is not sent. mu must be held.
func (o *outbox) finish(call *outgoing, outcome error) {
	if call.over {
		return
	}
	call.over = true
	call.done <- outcome
	if outcome != nil {
		o.drop(func(p *packet) bool { return p.call == call })
	}
}

// drop takes packets out of the queue. mu must be held.
func (o *outbox) drop(which func(*packet) bool) {
	o.queue = slices.DeleteFunc(o.queue, func(p *packet) bool {
		drops := which(p)
		if drops {
			o.kept -= len(p.sealed)
		}
		return drops
	})
}

// dropFirst takes the first n packets out of the queue. mu must be held.
func (o *outbox) dropFirst(n int) {
	for _, p := range o.queue[:n] {
		o.kept -= len(p.sealed)
	}
	clear(o.queue[:n])
	o.queue = o.queue[n:]
}

// close fails everything that waits, and what comes later.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for len(o.queue) > 0 {
		o.finish(o.queue[0].call, errClosed)
		o.drop(func(p *packet) bool { return p.call.over })
	}
}
