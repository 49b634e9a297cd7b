package limit

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// defaultQueue is how many packets wait for a client without a rule about that, and for the broker. When it is full the other side
// has to wait.
const defaultQueue = 64

// waiting is a packet in a queue.
type waiting struct {
	packet
	due time.Time // not earlier
}

// session is a client's connection.
type session struct {
	*Proxy
	sends, receives []*bucket
	silence         func(time.Duration) // bounds how long the client may be silent
	patience        atomic.Int64        // nanoseconds; 0: for ever
	subscribed      map[string]bool     // the goroutine of up owns it
	incoming        chan waiting        // from the client; at most defaultQueue
	queue           chan waiting        // to the client; at most Rules.Queue, or defaultQueue
	over            chan struct{}       // closed at the end
}

func newSession(p *Proxy, client net.Conn) *session {
	s := &session{
		Proxy: p, sends: buckets(p.Sends), receives: buckets(p.Receives), subscribed: make(map[string]bool),
		incoming: make(chan waiting, defaultQueue), queue: make(chan waiting, max(p.Queue, defaultQueue)), over: make(chan struct{}),
		silence: func(d time.Duration) { client.SetReadDeadline(time.Now().Add(d)) },
	}
	if p.Session > 0 {
		time.AfterFunc(p.Session, func() { client.Close() })
	}
	return s
}

// read queues what the client sends.
func (s *session) read(client io.Reader) error {
	in := bufio.NewReader(client)
	for {
		if patience := time.Duration(s.patience.Load()); patience > 0 {
			s.silence(patience)
		}
		p, err := nextPacket(in)
		if err != nil {
			return err
		}
		if err := s.put(s.incoming, p); err != nil {
			return err
		}
	}
}

// up passes what the client sent on, as its rules have it.
func (s *session) up(broker io.Writer) error {
	for {
		p, err := s.next(s.incoming)
		if err != nil {
			return err
		}
		if err := s.pass(p, broker); err != nil {
			return err
		}
	}
}

func (s *session) pass(p packet, broker io.Writer) error {
	ok, err := s.check(p)
	if err == nil && ok {
		_, err = broker.Write(p.bytes())
	}
	return err
}

// put puts a packet into a queue, once there is room.
func (s *session) put(queue chan<- waiting, p packet) error {
	select {
	case queue <- waiting{p, time.Now().Add(s.Delay)}:
		return nil
	case <-s.over:
		return io.ErrClosedPipe
	}
}

// next takes a packet out of a queue, once it is due.
func (s *session) next(queue <-chan waiting) (packet, error) {
	select {
	case w := <-queue:
		time.Sleep(time.Until(w.due))
		return w.packet, nil
	case <-s.over:
		return packet{}, io.ErrClosedPipe
	}
}

// check says what becomes of a packet of the client's. It waits where what is beyond is delayed.
func (s *session) check(p packet) (pass bool, err error) {
	switch p.kind() {
	case connect:
		return true, s.checkConnect(p)
	case publish:
		topic, payload, err := cut(p.body)
		if err != nil || !s.allowsTopic(topic) || s.Payload > 0 && len(payload) > s.Payload {
			return false, errBroken
		}
		return s.admit(s.sends, p)
	case subscribe:
		return s.checkSubscribe(p)
	case unsubscribe:
		filters, err := p.filters()
		for _, filter := range filters {
			delete(s.subscribed, filter)
		}
		return true, err
	}
	return true, nil
}

func (s *session) checkConnect(p packet) error {
	asked, err := p.keepAlive()
	if err != nil || !s.allowsKeepAlive(asked) {
		return errBroken
	}
	s.patience.Store(int64(s.Patience * float64(asked)))
	return nil
}

func (s *session) checkSubscribe(p packet) (pass bool, err error) {
	filters, err := p.filters()
	if err != nil || s.PerSubscribe > 0 && len(filters) > s.PerSubscribe {
		return false, errBroken
	}
	more := 0
	for _, filter := range filters {
		if !s.allowsTopic(filter) {
			return false, errBroken
		}
		if !s.subscribed[filter] {
			more++
		}
	}
	if s.Subscriptions > 0 && len(s.subscribed)+more > s.Subscriptions {
		s.refused.Add(int64(len(filters)))
		return false, s.put(s.queue, p.refusal(len(filters)))
	}
	for _, filter := range filters {
		s.subscribed[filter] = true
	}
	return true, nil
}

// admit says what becomes of a message under rates.
func (s *session) admit(rates []*bucket, p packet) (pass bool, err error) {
	length := len(p.bytes())
	for _, b := range rates {
		for wait := b.take(time.Now(), b.cost(length)); wait > 0; wait = b.take(time.Now(), b.cost(length)) {
			switch b.Beyond {
			case Discarded:
				s.discarded.Add(1)
				return false, nil
			case Disconnected:
				return false, errBroken
			}
			time.Sleep(wait)
		}
	}
	return true, nil
}

// down queues what the broker sends to the client, as its rules have it.
func (s *session) down(broker io.Reader) error {
	in := bufio.NewReader(broker)
	for {
		p, err := nextPacket(in)
		if err != nil {
			return err
		}
		if p.kind() == publish {
			pass, err := s.admit(s.receives, p)
			if err != nil {
				return err
			}
			if !pass {
				continue
			}
		}
		if err := s.enqueue(p); err != nil {
			return err
		}
	}
}

// enqueue puts a packet into the queue to the client, or says what comes of its being full.
func (s *session) enqueue(p packet) error {
	if s.Queue == 0 || p.kind() != publish {
		return s.put(s.queue, p)
	}
	select {
	case s.queue <- waiting{p, time.Now().Add(s.Delay)}:
	default:
		if s.QueueEnds {
			return errBroken
		}
		s.discarded.Add(1)
	}
	return nil
}

// lag is by how much the timers of a busy machine are late, which no line is.
const lag = 10 * time.Millisecond

// write writes the queue to the client, as fast as its line is.
func (s *session) write(client io.Writer) error {
	var free time.Time // when the line is
	for {
		p, err := s.next(s.queue)
		if err != nil {
			return err
		}
		packet := p.bytes()
		if s.Line > 0 {
			time.Sleep(time.Until(free))
			free = later(free, time.Now().Add(-lag)).Add(time.Duration(float64(len(packet)) / s.Line * float64(time.Second)))
		}
		if _, err := client.Write(packet); err != nil {
			return err
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
