package engine

import (
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// maxEnvelopes bounds the handshake messages that wait for the writer. One
// more is dropped: its sender repeats itself.
const maxEnvelopes = 4096

// envelope is a handshake message on its way out.
type envelope struct {
	topic   string
	payload []byte
}

// A queue is what waits for the writer: handshake messages first, then Conns
// with ACKs or control frames, then Conns with data, one packet a turn. The
// lists of Conns hold each Conn at most once.
type queue struct {
	mu        sync.Mutex
	empty     sync.Cond // signalled when the writer has taken everything
	envelopes []envelope
	urgent    turns
	data      turns
}

func (q *queue) init() { q.empty.L = &q.mu }

func (q *queue) push(topic string, payload []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.envelopes) < maxEnvelopes {
		q.envelopes = append(q.envelopes, envelope{topic, payload})
	}
}

// schedule enters c into the list for its priority and reports whether it was
// not there already.
func (q *queue) schedule(c *Conn, p stream.Priority) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case p == stream.Urgent && !c.inUrgent:
		c.inUrgent = true
		q.urgent.push(c)
	case p == stream.Data && !c.inData && !c.inUrgent:
		c.inData = true
		q.data.push(c)
	default:
		return false
	}
	return true
}

// nextEnvelope takes the oldest handshake message.
func (q *queue) nextEnvelope() (envelope, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.envelopes) == 0 {
		return envelope{}, false
	}
	first := q.envelopes[0]
	q.envelopes[0] = envelope{}
	if q.envelopes = q.envelopes[1:]; len(q.envelopes) == 0 {
		q.envelopes = nil
	}
	return first, true
}

// nextConn takes the Conn whose turn it is, nil if there is none.
func (q *queue) nextConn() *Conn {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := q.urgent.pop(); c != nil {
		c.inUrgent = false
		return c
	}
	if c := q.data.pop(); c != nil {
		c.inData = false
		return c
	}
	q.empty.Broadcast()
	return nil
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
	for len(q.envelopes)+q.urgent.count+q.data.count > 0 && time.Now().Before(deadline) {
		q.empty.Wait()
	}
}
