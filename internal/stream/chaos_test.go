package stream

import (
	"math"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestChaos lets two streams talk over paths that lose, repeat and reorder,
// with links that go down, applications in changing moods, small credits and
// grants that change: both ends read what the other wrote, end, and give back
// everything they borrowed.
func TestChaos(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() || simtest.Race {
		seeds = 30
	}
	for seed := range seeds {
		c := newChaos(t, seed)
		c.run(time.Hour, func() bool { return c.ends[0].stream.Status().Finished && c.ends[1].stream.Status().Finished })
		c.settle()
		c.compare()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// chaos is a simulation in which everything is drawn from a seed.
type chaos struct {
	*sim
	packet  int
	most    uint64     // messages granted at any time
	total   [2]int     // bytes that each end wants to write
	budgets [2]*Budget // shared by both ends: send, receive
	size    int64      // of each
	early   [2]int     // an end closes after reading so much; negative: it reads to the end
	reset   bool       // or gives the stream up
	closed  [2]bool
}

func pick[T any](c *sim, choices ...T) T { return choices[c.random.IntN(len(choices))] }

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{sim: newSim(t, seed, 512, path{}, path{}), early: [2]int{-1, -1}}
	s := c.sim
	c.packet = pick(s, 512, 1200, 9000, 60<<10, 1<<20)
	c.most = pick[uint64](s, 1, 2, 10, 128)
	c.reset = s.random.IntN(4) == 0
	c.size = pick[int64](s, 0, 200<<10, 2<<20, testBudget)
	c.budgets = [2]*Budget{NewBudget(c.size), NewBudget(c.size)}
	bases := [2]uint64{c.base(), c.base()}
	for i, e := range s.ends {
		e.out = c.path()
		e.room = make([]byte, c.packet)
		e.stream = New(Config{Sealer: new(plainSealer),
			MaxPacket: c.packet - simOverhead, Overhead: simOverhead, SendBudget: c.budgets[0], ReceiveBudget: c.budgets[1],
			Blocks: NewBlocks(c.packet - simOverhead),
			Grant: func(time.Time) (uint64, uint64) {
				return 1 + s.random.Uint64N(c.most), pick[uint64](s, 0, 100<<10, 4<<20)
			},
		}, s.now)
		e.stream.startAt(bases[i], bases[1-i])
		e.number = c.base()
		c.total[i] = pick(s, 0, 1, 1000, 100<<10, s.random.IntN(2<<20))
		e.write = c.total[i]
		if s.random.IntN(8) == 0 {
			c.early[i] = s.random.IntN(100 << 10)
		}
		if s.random.IntN(3) > 0 {
			e.mayWrite, e.mayRead = 0, 0
			c.mood(e, 50)
		}
		for range s.random.IntN(6) {
			s.after(time.Duration(s.random.IntN(5000))*ms, func() { s.reconnect(e, time.Duration(s.random.IntN(3000))*ms) })
		}
	}
	s.check, s.behave = c.bounded, c.proceed
	return c
}

// base is where a stream or its packet numbers begin: at zero, or where they
// outgrow the integers of 32-bit machines.
func (c *chaos) base() uint64 {
	return pick[uint64](c.sim, 0, 0, 1<<31-100<<10, 1<<32-100<<10, 1<<61)
}

// startAt pretends that so many bytes were sent and received already.
func (s *Stream) startAt(out, in uint64) {
	s.out.una, s.out.sent, s.out.end, s.out.credit = out, out, out, out+baseBuffer
	s.in.read, s.in.next, s.in.highest, s.in.credit, s.in.periodRead = in, in, in, in+baseBuffer, in
}

func (c *chaos) path() path {
	s := c.sim
	return path{
		delay:     time.Duration(s.random.IntN(100)) * ms,
		rate:      pick(s, 0, 0, 50e3, 5e6),
		queue:     pick(s, 0, 20, 200),
		loss:      pick(s, 0, 0, 0.01, 0.1, 0.3),
		duplicate: pick(s, 0, 0, 0.1),
		reorder:   pick(s, 0, 0, 0.2),
		extra:     time.Duration(s.random.IntN(50)) * ms,
	}
}

// mood lets the application of e write and read now and then, and in the end
// as much as it can.
func (c *chaos) mood(e *end, times int) {
	if times == 0 {
		e.mayWrite, e.mayRead = math.MaxInt, math.MaxInt
		return
	}
	if c.random.IntN(2) == 0 {
		e.mayWrite = c.random.IntN(pick(c.sim, 10, 1000, 100<<10))
	} else {
		e.mayRead = c.random.IntN(pick(c.sim, 10, 1000, 200<<10))
	}
	c.after(time.Duration(c.random.IntN(pick(c.sim, 5, 300)))*ms, func() { c.mood(e, times-1) })
}

// proceed lets the application of an end close its stream after the last byte,
// and everything at the end of the other's.
func (c *chaos) proceed(i int) {
	e := c.ends[i]
	gone := e.stream.Status().WasReset
	n, end := readable(e.stream)
	early := c.early[i] >= 0 && e.read >= c.early[i]
	if gone || early || e.stream.Status().Stopped {
		e.write = 0
	}
	switch {
	case c.closed[i]:
	case early && c.reset:
		c.closed[i] = true
		e.stream.Reset(1)
		e.stream.Abandon(false)
	case gone || early || end && n == 0 && e.write == 0:
		c.closed[i] = true
		e.stream.Close()
	case e.write == 0:
		e.stream.CloseWrite()
	}
}

// bounded checks after every event that nothing grows beyond its bound.
func (c *chaos) bounded(e *end) {
	s, l := e.stream, &e.stream.sent
	// Beyond the grant there are probes, two a timeout, and signals.
	if limit := int(max(c.most, initialMessages)) + 60; l.count > limit {
		c.t.Fatalf("%s: %d packets in flight, granted %d", e, l.count, c.most)
	}
	if s.out.buffered() > baseBuffer+s.out.held || s.out.buffered() > maxBuffer {
		c.t.Fatalf("%s: %d bytes in the send buffer, %d borrowed", e, s.out.buffered(), s.out.held)
	}
	if memory, n := heldSegments(&s.out.data), s.out.buffered(); memory > n+n/7+2*s.config.Blocks.size {
		c.t.Fatalf("%s: %d bytes of memory for %d in the send buffer", e, memory, s.out.buffered())
	}
	if memory, bound := heldIn(&s.in), min(baseBuffer+s.in.held, maxBuffer); memory > bound+bound/4+2*smallBlock+baseBuffer {
		c.t.Fatalf("%s: %d bytes of memory in the receive buffer, %d borrowed", e, memory, s.in.held)
	}
	if left := c.budgets[0].Left(); left < 0 || c.budgets[1].Left() < 0 {
		c.t.Fatalf("%s: a budget is overdrawn", e)
	}
	if n := len(s.acks.received); n > 32 || len(s.in.received) > maxGaps || len(s.out.acked) > l.count+200 {
		c.t.Fatalf("%s: %d ranges of packets, %d of data received, %d of data acknowledged", e, n, len(s.in.received), len(s.out.acked))
	}
	if at := s.Deadline(); !at.IsZero() && at.Before(c.now) && e.up && s.Pending(c.now) == Idle {
		c.t.Fatalf("%s: a deadline passed %v ago and nothing was done", e, c.now.Sub(at))
	}
}

// heldSegments and heldIn return the memory that a send and a receive buffer take.
func heldSegments(p *sendBuffer) (n int) {
	for _, segment := range p.list {
		n += len(segment.block.bytes)
	}
	return n
}

func heldIn(r *receiver) (n int) {
	for _, c := range r.data.blocks {
		if c != nil {
			n += smallBlock
		}
	}
	for _, s := range r.inOrder.list[r.inOrder.first:] {
		n += len(s.block.bytes)
	}
	return n
}

// settle waits until neither end has anything more to do: a Conn in TIME-WAIT answers
// what the other repeats.
func (c *chaos) settle() {
	c.run(time.Hour, func() bool {
		return len(c.events) == 0 && c.ends[0].stream.Deadline().IsZero() && c.ends[1].stream.Deadline().IsZero()
	})
}

// compare checks what was read and that everything was given back.
func (c *chaos) compare() {
	for i, e := range c.ends {
		other := c.ends[1-i]
		if c.early[i] < 0 && c.early[1-i] < 0 {
			c.sameHash(e, other)
		}
		s := e.stream
		if heldSegments(&s.out.data)+heldIn(&s.in) > 0 || s.sent.count != 0 || s.sent.bytes != 0 || s.sent.partial != 0 || len(s.sent.packets) != 0 {
			c.t.Errorf("%s: memory is held, or %d packets are in flight", e, s.sent.count)
		}
	}
	for _, b := range c.budgets {
		if b.Left() != c.size {
			c.t.Errorf("%d bytes of a budget are missing", c.size-b.Left())
		}
	}
}
