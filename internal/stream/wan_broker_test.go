package stream

import "time"

// brokerQueue is how many messages Mosquitto queues for a subscriber before it drops.
const brokerQueue = 1000

// allowance is how many messages a second a service takes of a client, and at once, before it discards them; 0: all.
type allowance struct {
	perSecond float64
	delays    bool // what is beyond, instead
}

// subscriber is what a broker knows of one: a queue of messages, and a socket.
type subscriber struct {
	to      *carrier
	queue   fifo[message]
	longest int // messages that the queue held
	dropped int // messages, for want of room or by the allowance

	limit  allowance // of the client that publishes to it
	left   float64   // of its allowance
	leftAt time.Duration
	held   fifo[message] // that are delayed
}

func newSubscriber(to *carrier, limit allowance) *subscriber {
	s := &subscriber{to: to, limit: limit, left: limit.perSecond}
	to.tcp.freed = s.write
	return s
}

func (s *subscriber) publish(m message) {
	if s.limit.delays {
		s.held.push(m)
		return
	}
	if !s.allow() {
		s.dropped++
		return
	}
	s.enqueue(m)
}

// next implements actor.
func (s *subscriber) next() time.Duration {
	if s.held.len() == 0 {
		return never
	}
	missing := max(1-s.left, 0) / s.limit.perSecond
	return s.leftAt + time.Duration(missing*float64(time.Second)) + time.Microsecond
}

func (s *subscriber) act() {
	if s.allow() {
		s.enqueue(s.held.pop())
	}
}

func (s *subscriber) enqueue(m message) {
	if s.queue.len() >= brokerQueue {
		s.dropped++
		return
	}
	s.queue.push(m)
	s.longest = max(s.longest, s.queue.len())
	s.write()
}

func (s *subscriber) allow() bool {
	now := s.to.tcp.net.now
	s.left = min(s.left+(now-s.leftAt).Seconds()*s.limit.perSecond, s.limit.perSecond)
	s.leftAt = now
	if s.limit.perSecond == 0 {
		return true
	}
	if s.left < 1 {
		return false
	}
	s.left--
	return true
}

func (s *subscriber) write() {
	for s.to.flush() && s.queue.len() > 0 {
		s.to.add(s.queue.pop())
	}
}
