package message

import (
	"bytes"
	"slices"
	"sort"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// A lane is a link's way through the outbox, and that link's source of packets.
type lane struct {
	outbox *outbox
	link   *link.Link

	// Guarded by the outbox's mu.
	isUp  bool
	next  uint64    // no packet before this number is published here any more
	batch []*packet // in the batch that is being written
}

var _ link.Source = (*lane)(nil)

// Up has everything published here that some link has not published yet.
func (l *lane) Up(time.Time) {
	o := l.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	l.isUp, l.next = true, o.last+1
	if len(o.queue) > 0 {
		l.next = o.queue[0].number
	}
}

// Fill publishes into batch what waits. That it is called means that the batch before was written.
func (l *lane) Fill(batch *link.Batch, _ time.Time) {
	o := l.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range l.batch {
		o.written(p)
	}
	l.clearBatch()
	for !batch.Full() {
		at := sort.Search(len(o.queue), func(i int) bool { return o.queue[i].number >= l.next })
		if at == len(o.queue) {
			break
		}
		l.publish(o.queue[at], batch)
	}
	o.trim()
}

// written notes that a link has written p. mu must be held.
func (o *outbox) written(p *packet) {
	if p.taken {
		return
	}
	p.taken = true
	o.sent.Add(1)
	if p.call.left--; p.call.left == 0 {
		o.finish(p.call, nil)
	}
}

// publish publishes p, the next packet.
func (l *lane) publish(p *packet, batch *link.Batch) {
	l.next = p.number + 1
	room := batch.Publish(p.topic)
	n := copy(room, p.sealed)
	if p.sealed == nil {
		var err error
		if n, err = p.fill(room); err != nil {
			batch.Commit(0)
			l.outbox.finish(p.call, err)
			return
		}
		l.outbox.keep(p, room[:n])
	}
	batch.Commit(n)
	p.call.begun = true
	l.batch = append(l.batch, p)
}

// keep keeps what was sealed for the links that have not published p yet. One that is far behind goes without. mu must be held.
func (o *outbox) keep(p *packet, sealed []byte) {
	if !o.awaited(p) {
		return
	}
	p.sealed = bytes.Clone(sealed)
	o.kept += len(sealed)
	for o.kept > maxKept {
		for _, l := range o.lanes {
			l.next = max(l.next, o.queue[0].number+1)
		}
		o.dropFirst(1)
	}
}

// awaited reports whether a link that is up will still publish p. mu must be held.
func (o *outbox) awaited(p *packet) bool {
	return slices.ContainsFunc(o.lanes, func(l *lane) bool { return l.isUp && l.next <= p.number })
}

// trim drops what no link will publish any more. mu must be held.
func (o *outbox) trim() {
	done := slices.IndexFunc(o.queue, o.awaited)
	if done < 0 {
		done = len(o.queue)
	}
	o.dropFirst(done)
}

// Down fails what was being written here when the connection ended and is written by no other. What had not begun waits for the
// next connection.
func (l *lane) Down(time.Time, bool) {
	o := l.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	l.isUp = false
	for _, p := range l.batch {
		if !p.taken && !o.awaited(p) && !o.underWay(p) {
			o.finish(p.call, errInterrupted)
		}
	}
	l.clearBatch()
	if !slices.ContainsFunc(o.lanes, func(l *lane) bool { return l.isUp }) {
		o.allDown()
	}
}

// underWay reports whether a link is writing p. mu must be held.
func (o *outbox) underWay(p *packet) bool {
	return slices.ContainsFunc(o.lanes, func(l *lane) bool { return l.isUp && slices.Contains(l.batch, p) })
}

// allDown leaves in the queue what had not begun. mu must be held.
func (o *outbox) allDown() {
	for {
		i := slices.IndexFunc(o.queue, func(p *packet) bool { return p.call.begun && !p.call.over })
		if i < 0 {
			break
		}
		o.finish(o.queue[i].call, errInterrupted)
	}
	o.drop(func(p *packet) bool { return p.call.over })
}

func (l *lane) clearBatch() {
	clear(l.batch)
	l.batch = l.batch[:0]
}
