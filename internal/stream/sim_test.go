package stream

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A path is how packets travel one way in the simulation.
type path struct {
	delay     time.Duration
	rate      float64 // bytes a second; 0: unlimited
	queue     int     // packets that may wait for the rate; 0: unlimited
	loss      float64
	duplicate float64 // share of packets that arrive twice; the record layer would drop the second
	reorder   float64 // share of packets that take longer by extra
	extra     time.Duration
	drop      func(size int) bool
}

// sim is a discrete-event simulation of two streams and the paths between
// them. It has its own clock and no goroutines, so every run repeats exactly.
type sim struct {
	t      *testing.T
	now    time.Time
	random *rand.Rand
	ends   [2]*end
	events events
	serial int
	behave func(i int)  // what the application of an end does besides writing and reading; may be nil
	check  func(e *end) // called after every event; may be nil
}

// end is one side: its stream, the path that leads away from it, and what its
// application does.
type end struct {
	name       string
	stream     *Stream
	out        path
	number     uint64
	freeAt     time.Time // when the rate-limited path is free again
	queued     int
	up         bool
	connection int // counts the connections of the link
	write      int // bytes that the application still has to write
	// mayWrite and mayRead are how many bytes the application is in the mood
	// to write and to read.
	mayWrite, mayRead int
	sent, got         hash.Hash
	read              int
	source            *rand.ChaCha8
	room, buffer      []byte
}

type event struct {
	at     time.Time
	serial int
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].serial < e[j].serial
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

const simOverhead = 28

func newSim(t *testing.T, seed uint64, packet int, there, back path) *sim {
	s := &sim{t: t, now: time.Unix(1e9, 0), random: rand.New(rand.NewPCG(seed, 1))}
	for i, p := range []path{there, back} {
		config := Config{Sealer: new(plainSealer),
			MaxPacket: packet - simOverhead, Overhead: simOverhead,
			SendBudget: NewBudget(testBudget), ReceiveBudget: NewBudget(testBudget), Blocks: NewBlocks(packet - simOverhead),
			Grant: func(time.Time) (uint64, uint64) { return 128, 4 << 20 },
		}
		s.ends[i] = &end{
			name: []string{"dialer", "listener"}[i], stream: New(config, s.now), out: p, up: true, mayWrite: math.MaxInt, mayRead: math.MaxInt,
			sent: sha256.New(), got: sha256.New(), source: rand.NewChaCha8([32]byte{byte(i)}),
			room: make([]byte, packet), buffer: make([]byte, 32<<10),
		}
	}
	return s
}

func (s *sim) schedule(at time.Time, do func()) {
	s.serial++
	heap.Push(&s.events, event{at, s.serial, do})
}

// after schedules do d from now.
func (s *sim) after(d time.Duration, do func()) { s.schedule(s.now.Add(d), do) }

// pump lets both applications and both writers do all that they can now.
func (s *sim) pump() {
	for progress := true; progress; {
		progress = false
		for i, e := range s.ends {
			if s.behave != nil {
				s.behave(i)
			}
			progress = e.application() || progress
			progress = s.writer(i) || progress
		}
	}
}

func (e *end) application() (progress bool) {
	if n := min(e.write, e.mayWrite, len(e.buffer)); n > 0 {
		peek := *e.source
		peek.Read(e.buffer[:n])
		if n = e.stream.Write(e.buffer[:n]); n > 0 {
			e.source.Read(e.buffer[:n])
			e.sent.Write(e.buffer[:n])
			e.write -= n
			e.mayWrite -= n
			progress = true
		}
	}
	for e.mayRead > 0 {
		n := read(e.stream, e.buffer[:min(len(e.buffer), e.mayRead)])
		if n == 0 {
			return progress
		}
		e.got.Write(e.buffer[:n])
		e.read += n
		e.mayRead -= n
		progress = true
	}
	return progress
}

func (s *sim) writer(i int) (progress bool) {
	e := s.ends[i]
	if !e.up || e.stream.Pending(s.now) == Idle {
		return false
	}
	packet := slices.Clone(next(e.stream, s.now, e.number, e.room[:e.stream.config.MaxPacket]))
	if len(packet) == 0 {
		s.t.Fatalf("%s: the stream said that it had something to send", e.name)
	}
	s.transmit(e, s.ends[1-i], e.number, packet, false)
	if e.number++; e.number%1000 == 0 {
		e.number += 1 << 20 // as at a change of keys
	}
	return true
}

// transmit sends a packet over the path of e.
func (s *sim) transmit(e, to *end, number uint64, packet []byte, again bool) {
	size := len(packet) + simOverhead
	if !again && e.out.duplicate > s.random.Float64() {
		s.transmit(e, to, number, packet, true)
	}
	if e.out.loss > s.random.Float64() || e.out.drop != nil && e.out.drop(size) || e.out.queue > 0 && e.queued >= e.out.queue {
		return
	}
	at := s.now
	if e.out.rate > 0 {
		e.freeAt = latest(e.freeAt, s.now).Add(time.Duration(float64(size) / e.out.rate * float64(time.Second)))
		at = e.freeAt
		e.queued++
		s.schedule(at, func() { e.queued-- })
	}
	at = at.Add(e.out.delay)
	if e.out.reorder > s.random.Float64() {
		at = at.Add(e.out.extra)
	}
	connection := to.connection
	s.schedule(at, func() {
		if !to.up || to.connection != connection {
			return
		}
		block := to.stream.config.Blocks.For(len(packet))
		if _, err := to.stream.Receive(s.now, number, append(block.Bytes()[:0], packet...), block); err != nil {
			s.t.Fatalf("%s: %v", to.name, err)
		}
	})
}

// reconnect takes the link of e down for d. What is on its way there is lost.
func (s *sim) reconnect(e *end, d time.Duration) {
	if !e.up {
		return
	}
	e.up = false
	e.connection++
	e.stream.NoPath()
	s.after(d, func() {
		e.up = true
		e.stream.PathUp(s.now, e.stream.config.MaxPacket)
		e.stream.Resume()
	})
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// run advances the clock from event to event until done, and returns how long
// that took. It fails the test after limit.
func (s *sim) run(limit time.Duration, done func() bool) time.Duration {
	s.t.Helper()
	start := s.now
	for {
		s.pump()
		if s.check != nil {
			s.check(s.ends[0])
			s.check(s.ends[1])
		}
		if done() {
			return s.now.Sub(start)
		}
		next := s.next()
		if next.IsZero() || next.Sub(start) > limit {
			s.t.Fatalf("not done after %v: %s, %s, %d events, deadline %v", s.now.Sub(start), s.ends[0], s.ends[1], len(s.events), next)
		}
		s.now = latest(s.now, next)
		for len(s.events) > 0 && !s.events[0].at.After(s.now) {
			heap.Pop(&s.events).(event).do()
		}
		for _, e := range s.ends {
			e.stream.Expire(s.now)
		}
	}
}

func (s *sim) next() (next time.Time) {
	if len(s.events) > 0 {
		next = s.events[0].at
	}
	for _, e := range s.ends {
		next = Earlier(next, e.stream.Deadline())
	}
	return next
}

// transfer sends n bytes from end 0 to end 1, ends the stream, and checks the
// hash. It returns the time until the last byte was read.
func (s *sim) transfer(n int, limit time.Duration) time.Duration {
	a, b := s.ends[0], s.ends[1]
	a.write = n
	took := s.run(limit, func() bool {
		if a.write == 0 {
			a.stream.CloseWrite()
		}
		_, end := readable(b.stream)
		return end && b.read == n
	})
	s.sameHash(a, b)
	return took
}

func (s *sim) sameHash(from, to *end) {
	s.t.Helper()
	if !bytes.Equal(from.sent.Sum(nil), to.got.Sum(nil)) {
		s.t.Fatalf("what %s read differs from what %s wrote", to.name, from.name)
	}
}

func (e *end) String() string {
	s := e.stream
	return fmt.Sprintf("%s (up %v, %d to write, %d read; una %d sent %d end %d credit %d, %d packets in flight, received %d final %v, fin %v stop %v)",
		e.name, e.up, e.write, e.read, s.out.una, s.out.sent, s.out.end, s.out.credit, s.sent.count, s.in.next, s.in.hasFinal, s.out.fin, s.stop)
}
