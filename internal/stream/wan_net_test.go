package stream

import (
	"math"
	"math/rand/v2"
	"time"
)

// never is when something happens that nobody waits for.
const never = time.Duration(math.MaxInt64)

// An actor of the simulated network does something at a time that it knows.
type actor interface {
	next() time.Duration
	act()
}

// network is a discrete-event simulation. Its clock counts from the start; it
// has no goroutines, and every run with the same seed repeats exactly. There are
// only some twenty actors, each with its own events in order, so that looking at all
// of them costs less than a heap.
type network struct {
	now     time.Duration
	random  *rand.Rand
	actors  []actor
	packets [][]byte // memory of messages that were delivered
}

func newNetwork(seed uint64) *network {
	return &network{random: rand.New(rand.NewPCG(seed, 1))}
}

// run lets everything happen that happens until then.
func (n *network) run(until time.Duration) {
	for {
		first, at := actor(nil), never
		for _, a := range n.actors {
			if t := a.next(); t < at {
				first, at = a, t
			}
		}
		if at > until {
			n.now = until
			return
		}
		n.now = max(n.now, at)
		first.act()
	}
}

// clock is the time as streams know it.
func (n *network) clock() time.Time { return time.Unix(1e9, 0).Add(n.now) }

// packet returns memory for a message.
func (n *network) packet() []byte {
	last := len(n.packets) - 1
	if last < 0 {
		return nil
	}
	packet := n.packets[last]
	n.packets = n.packets[:last]
	return packet[:0]
}

// lineKind is what one direction of an access link is like.
type lineKind struct {
	mbit   float64
	delay  time.Duration
	queue  time.Duration // what the queue holds, at the line's rate
	loss   float64       // of packets
	jitter time.Duration // at most this much more delay, which reorders nothing
}

// minQueue is the smallest queue, bytes: 20 packets.
const minQueue = 30000

// line is one direction of a link: a queue of bytes that drops its tail, drained at the
// link's rate, and a delay.
type line struct {
	lineKind
	net   *network
	rate  float64       // bytes a second
	queue int           // bytes
	free  time.Duration // when everything queued has left
	last  time.Duration // when what left last arrives
	under fifo[parcel]  // what arrives, in order
}

// parcel is an IP packet on its way.
type parcel struct {
	at     time.Duration // when it arrives at the end of the line
	size   int           // bytes
	tcp    *tcp
	hop    int  // index of the line on the path
	ack    bool // it travels back
	number int  // of the segment; of an ACK: below which everything arrived
	sent   int  // which transmission it is, or, of an ACK, caused it
	stamp  time.Duration
}

func (n *network) line(k lineKind) *line {
	rate := k.mbit * 1e6 / 8
	l := &line{lineKind: k, net: n, rate: rate, queue: max(int(rate*k.queue.Seconds()), minQueue)}
	n.actors = append(n.actors, l)
	return l
}

// send queues a packet, or drops it.
func (l *line) send(p parcel) {
	now := l.net.now
	l.free = max(l.free, now)
	backlog := int((l.free - now).Seconds() * l.rate)
	if backlog+p.size > l.queue || l.loss > 0 && l.net.random.Float64() < l.loss {
		return
	}
	l.free += time.Duration(float64(p.size) / l.rate * 1e9)
	p.at = max(l.last, l.free+l.delay+time.Duration(l.net.random.Float64()*float64(l.jitter)))
	l.last = p.at
	l.under.push(p)
}

func (l *line) next() time.Duration {
	if l.under.len() == 0 {
		return never
	}
	return l.under.at(0).at
}

func (l *line) act() {
	p := l.under.pop()
	p.tcp.forward(p)
}

// fifo is a queue.
type fifo[T any] struct {
	items []T
	head  int
}

func (f *fifo[T]) len() int    { return len(f.items) - f.head }
func (f *fifo[T]) at(i int) *T { return &f.items[f.head+i] }

func (f *fifo[T]) push(x T) {
	if f.head > 64 && f.head > len(f.items)/2 {
		kept := copy(f.items, f.items[f.head:])
		f.items, f.head = f.items[:kept], 0
	}
	f.items = append(f.items, x)
}

func (f *fifo[T]) pop() T {
	x := f.items[f.head]
	f.head++
	return x
}

// drop removes what came last.
func (f *fifo[T]) drop() { f.items = f.items[:len(f.items)-1] }

func (f *fifo[T]) clear() { f.items, f.head = f.items[:0], 0 }
