package stream

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"hash"
	"math/rand/v2"
	"testing"
	"time"
)

// A path is how packets travel one way in the simulation.
type path struct {
	delay     time.Duration
	rate      float64 // bytes a second; 0: unlimited
	queue     int     // packets that may wait for the rate; 0: unlimited
	loss      float64
	duplicate float64
	reorder   float64 // share of packets that are delayed by a further tenth of delay
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
}

// end is one side: its stream, the path that leads away from it, and what its
// application does.
type end struct {
	stream *Stream
	out    path
	number uint64
	freeAt time.Time // when the rate-limited path is free again
	queued int
	up     bool
	write  int // bytes that the application still has to write
	sent   hash.Hash
	got    hash.Hash
	read   int
	paused bool // the application does not read
	source *rand.ChaCha8
	err    error
}

type packetEvent struct {
	at     time.Time
	serial int
	do     func()
}

type events []packetEvent

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].serial < e[j].serial
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(packetEvent)) }
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
		config := Config{
			MaxPacket: packet - simOverhead, Overhead: simOverhead,
			SendBudget: NewBudget(64 << 20), ReceiveBudget: NewBudget(64 << 20),
			Grant: func(time.Time) (uint64, uint64) { return 128, 4 << 20 },
		}
		s.ends[i] = &end{stream: New(config, s.now), out: p, up: true, sent: sha256.New(), got: sha256.New(), source: rand.NewChaCha8([32]byte{byte(i)})}
	}
	return s
}

func (s *sim) schedule(at time.Time, do func()) {
	s.serial++
	heap.Push(&s.events, packetEvent{at, s.serial, do})
}

// pump lets both applications and both writers do all that they can now.
func (s *sim) pump() {
	for progress := true; progress; {
		progress = false
		for i := range s.ends {
			progress = s.application(s.ends[i]) || progress
			progress = s.writer(i) || progress
		}
	}
}

func (s *sim) application(e *end) (progress bool) {
	var buf [32 << 10]byte
	if n := min(e.write, len(buf)); n > 0 {
		peek := *e.source
		peek.Read(buf[:n])
		if n = e.stream.Write(buf[:n]); n > 0 {
			e.source.Read(buf[:n])
			e.sent.Write(buf[:n])
			e.write -= n
			progress = true
		}
	}
	for !e.paused {
		n := e.stream.Read(buf[:])
		if n == 0 {
			return progress
		}
		e.got.Write(buf[:n])
		e.read += n
		progress = true
	}
	return progress
}

func (s *sim) writer(i int) (progress bool) {
	e := s.ends[i]
	if !e.up || e.stream.Pending(s.now) == Idle {
		return false
	}
	room := make([]byte, e.stream.config.MaxPacket)
	n := e.stream.Next(s.now, e.number, room)
	if n == 0 {
		return false
	}
	s.transmit(i, e.number, room[:n])
	e.number++
	return true
}

// transmit sends a packet over the path of end i.
func (s *sim) transmit(i int, number uint64, packet []byte) {
	e, to := s.ends[i], s.ends[1-i]
	size := len(packet) + simOverhead
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
		at = at.Add(e.out.delay / 10)
	}
	s.schedule(at, func() {
		if to.up {
			if err := to.stream.Receive(s.now, number, packet); err != nil {
				to.err = err
			}
		}
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
	start := s.now
	for {
		s.pump()
		if done() {
			return s.now.Sub(start)
		}
		next := s.next()
		if next.IsZero() || next.Sub(start) > limit {
			s.t.Fatalf("not done after %v: read %d and %d, pending %d events, deadline %v", s.now.Sub(start), s.ends[0].read, s.ends[1].read, len(s.events), next)
		}
		s.now = latest(s.now, next)
		for len(s.events) > 0 && !s.events[0].at.After(s.now) {
			heap.Pop(&s.events).(packetEvent).do()
		}
		for _, e := range s.ends {
			e.stream.Expire(s.now)
			if e.err != nil {
				s.t.Fatal(e.err)
			}
		}
	}
}

func (s *sim) next() (next time.Time) {
	if len(s.events) > 0 {
		next = s.events[0].at
	}
	for _, e := range s.ends {
		next = earlier(next, e.stream.Deadline())
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
		_, end := b.stream.Readable()
		return end && b.read == n
	})
	if !bytes.Equal(a.sent.Sum(nil), b.got.Sum(nil)) {
		s.t.Fatal("what was read differs from what was written")
	}
	return took
}

func TestTransferOverBadPaths(t *testing.T) {
	ms := time.Millisecond
	for name, p := range map[string]path{
		"good":            {delay: 10 * ms},
		"loss 1 %":        {delay: 10 * ms, loss: 0.01},
		"loss 20 %":       {delay: 10 * ms, loss: 0.2},
		"loss 50 %":       {delay: 10 * ms, loss: 0.5},
		"reordering":      {delay: 10 * ms, reorder: 0.3},
		"short queue":     {delay: 10 * ms, rate: 20e6, queue: 30},
		"long queue":      {delay: 10 * ms, rate: 20e6, queue: 8192},
		"slow":            {delay: 10 * ms, rate: 200e3, queue: 100},
		"no large":        {delay: 10 * ms, drop: func(size int) bool { return size > 16<<10 }},
		"no large, lossy": {delay: 10 * ms, loss: 0.05, drop: func(size int) bool { return size > 16<<10 }},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5) {
				s := newSim(t, seed, 60<<10, p, p)
				took := s.transfer(4<<20, 5*time.Minute)
				stats, rtt := s.ends[0].stream.Stats()
				t.Logf("%v, %d packets, %d retransmitted, rtt %v, limit %d", took, stats.PacketsSent, stats.Retransmitted, rtt, s.ends[0].stream.size.limit)
			}
		})
	}
}

// TestGoodput measures the share of what is possible at all: the window, or
// the rate of the path, whichever is less.
func TestGoodput(t *testing.T) {
	total := 256 << 20
	if testing.Short() {
		total = 64 << 20
	}
	const rate = 100e6
	for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		for _, c := range []struct{ loss, want float64 }{{0, 0.8}, {0.01, 0.8}, {0.05, 0.6}} {
			p := path{delay: rtt / 2, rate: rate, queue: 8192, loss: c.loss}
			s := newSim(t, 1, 60<<10, p, p)
			took := s.transfer(total, time.Hour)
			ideal := min(float64(4<<20)/rtt.Seconds(), rate)
			share := float64(total) / took.Seconds() / ideal
			t.Logf("rtt %v loss %.0f%%: %.1f MB/s, %.2f of %.1f MB/s", rtt, 100*c.loss, float64(total)/took.Seconds()/1e6, share, ideal/1e6)
			if share < c.want {
				t.Errorf("rtt %v, loss %v: goodput is %.2f of the ideal, want at least %.2f", rtt, c.loss, share, c.want)
			}
		}
	}
}
