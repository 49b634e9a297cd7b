package engine

import (
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const (
	// maxEnvelopes bounds our own handshake messages that wait for the writer.
	// One more is dropped: whoever sent it repeats itself.
	maxEnvelopes = 4096
	// maxReplies bounds the answers that replayed messages could have asked
	// for, too. One more is dropped.
	maxReplies = 64
	// repliesPerBatch of them go with one batch, so that they leave room.
	repliesPerBatch = 8
	// turnSize is what a Conn sends in its turn, bytes: who sends a larger packet
	// misses turns for it. No packet of bulk data is smaller.
	turnSize = 2 << 10
)

// envelope is a handshake message on its way out.
type envelope struct {
	topic   string
	payload []byte
}

// A queue is what waits for the writer of one link: our own handshake messages first and a
// few replies, then Conns with ACKs or control frames, then Conns with data, which
// share what goes by bytes, whatever the size of their packets. The lists of Conns
// hold each Conn at most once.
type queue struct {
	number uint8 // of the link

	mu        sync.Mutex // guards all below, and the Conns' seats for the link
	empty     sync.Cond  // signalled when the writer has taken everything
	envelopes []envelope
	replies   []envelope
	urgent    turns
	data      turns
}

// A seat is a Conn's place in the queue of one link.
type seat struct {
	inUrgent, inData bool
	owes             int // bytes that it sent beyond its turns; the writer's
}

func (q *queue) init(number uint8) { q.number, q.empty.L = number, &q.mu }

func (q *queue) seat(c *Conn) *seat { return &c.seats[q.number] }

// push queues a handshake message of our own.
func (q *queue) push(m envelope) { q.append(&q.envelopes, m, maxEnvelopes) }

// pushReply queues an answer to what may have been replayed.
func (q *queue) pushReply(m envelope) { q.append(&q.replies, m, maxReplies) }

func (q *queue) append(list *[]envelope, m envelope, bound int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(*list) < bound {
		*list = append(*list, m)
	}
}

// schedule enters c into the list for its priority and reports whether it was
// not there already.
func (q *queue) schedule(c *Conn, p stream.Priority) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch s := q.seat(c); {
	case p == stream.Urgent && !s.inUrgent:
		s.inUrgent = true
		q.urgent.push(c)
	case p == stream.Data && !s.inData && !s.inUrgent:
		s.inData = true
		q.data.push(c)
	default:
		return false
	}
	return true
}

// nextEnvelope takes the oldest handshake message of our own.
func (q *queue) nextEnvelope() (envelope, bool) { return q.take(&q.envelopes) }

// nextReply takes the oldest reply.
func (q *queue) nextReply() (envelope, bool) { return q.take(&q.replies) }

func (q *queue) take(list *[]envelope) (envelope, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(*list) == 0 {
		return envelope{}, false
	}
	first := (*list)[0]
	(*list)[0] = envelope{}
	if *list = (*list)[1:]; len(*list) == 0 {
		*list = nil
	}
	return first, true
}

// nextConn takes the Conn whose turn it is, nil if there is none. Without data
// only those with something urgent have a turn.
func (q *queue) nextConn(data bool) *Conn {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := q.urgent.pop(); c != nil {
		q.seat(c).inUrgent = false
		return c
	}
	if !data && q.data.count > 0 {
		return nil
	}
	if c := q.nextData(); c != nil {
		q.seat(c).inData = false
		return c
	}
	q.empty.Broadcast()
	return nil
}

// holdsData reports whether a Conn with data waits.
func (q *queue) holdsData() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.data.count > 0
}

// nextData takes the Conn with data whose turn it is. It forgives a Conn that is
// alone what it owes.
func (q *queue) nextData() *Conn {
	c := q.data.pop()
	for c != nil && q.seat(c).owes > 0 {
		if q.data.count == 0 {
			q.seat(c).owes = 0
			break
		}
		q.seat(c).owes -= turnSize
		q.data.push(c)
		c = q.data.pop()
	}
	return c
}

// charge takes note of what c sent in a turn.
func (q *queue) charge(c *Conn, size int) {
	s := q.seat(c)
	s.owes = max(s.owes+size-turnSize, 0)
}

// clear takes out the Conns that wait: the link is down, and lets all look again when it is up.
func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := q.urgent.pop(); c != nil; c = q.urgent.pop() {
		q.seat(c).inUrgent = false
	}
	for c := q.data.pop(); c != nil; c = q.data.pop() {
		q.seat(c).inData = false
	}
}

// drain waits until the writer has taken everything, or until the deadline.
func (q *queue) drain(deadline time.Time) {
	timer := time.AfterFunc(time.Until(deadline), func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.empty.Broadcast()
	})
	defer timer.Stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.envelopes)+len(q.replies)+q.urgent.count+q.data.count > 0 && time.Now().Before(deadline) {
		q.empty.Wait()
	}
}
