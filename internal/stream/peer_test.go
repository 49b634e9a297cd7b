package stream

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

const (
	testPacket   = 1000
	testOverhead = 28
	testRTT      = 100 * time.Millisecond
	testBudget   = 64 << 20
	ms           = time.Millisecond
	// testClock is what the peer's clock shows when the stream begins.
	testClock = time.Hour
)

// A peer is the far side of one stream, played by a test: it delivers packets,
// says which packet it wants next, and moves the clock from deadline to
// deadline.
type peer struct {
	*testing.T
	s       *Stream
	start   time.Time // of the stream
	now     time.Time
	number  uint64 // of the next packet that the stream sends
	theirs  uint64 // of the next packet that the peer sends
	resumes uint64 // of the peer

	credit                  uint64 // what the peer's next ACK says
	grantMessages, grant    uint64
	delay                   time.Duration
	given, givenBytes       uint64 // what the stream grants
	sendBudget, readBudget  *Budget
	room                    []byte
	readOffset, writeOffset uint64
	last                    wire.Ack // the last ACK or RESUME that the stream sent
}

// newPeer returns the peer of a stream whose round trip is known to take
// testRTT, so that its probe timeout is 100 + 4*50 + 25 = 325 ms.
func newPeer(t *testing.T) *peer { return newPeerSize(t, testPacket) }

// newPeerSize does the same with packets of this size. Large ones are not made
// smaller, as on a path that is faster than any.
func newPeerSize(t *testing.T, packet int) *peer {
	p := &peer{
		T: t, start: time.Unix(1e9, 0), now: time.Unix(1e9, 0), credit: 1 << 20, grantMessages: 128, grant: 4 << 20, given: 128, givenBytes: 4 << 20,
		sendBudget: NewBudget(testBudget), readBudget: NewBudget(testBudget),
	}
	p.s = New(Config{Sealer: new(plainSealer),
		MaxPacket: packet, Overhead: testOverhead, SendBudget: p.sendBudget, ReceiveBudget: p.readBudget, Blocks: NewBlocks(packet),
		Grant: func(time.Time) (uint64, uint64) { return p.given, p.givenBytes },
	}, p.now)
	p.s.seed(testRTT)
	if packet > initialPacket {
		p.s.size.fit = packet
		p.s.congestion = newCongestion(packet + testOverhead)
		p.unpaced()
	}
	p.s.push.shared.pushes.credit = math.MinInt / 2 // which no test makes up for: nothing is pushed
	p.room = make([]byte, packet)
	return p
}

// unpaced makes the path so fast that nobody waits for a pace.
func (p *peer) unpaced() {
	p.s.congestion.rate = peak{current: 250e6, start: p.now.Add(100 * time.Hour)}
}

// pattern is the byte at an offset of either stream.
func pattern(offset uint64) byte { return byte(offset ^ offset>>8 ^ offset>>16 ^ offset>>24) }

func patterned(offset uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = pattern(offset + uint64(i))
	}
	return b
}

// A frame appends itself to a packet.
type frame func(b []byte) []byte

func data(offset uint64, n int) frame {
	return func(b []byte) []byte {
		return append(wire.AppendStreamHeader(b, offset, n), patterned(offset, n)...)
	}
}
func fin(final uint64) frame  { return func(b []byte) []byte { return wire.AppendFin(b, final) } }
func reset(code uint64) frame { return func(b []byte) []byte { return wire.AppendReset(b, code) } }
func stop(b []byte) []byte    { return wire.AppendStop(b) }
func ping(b []byte) []byte    { return wire.AppendPing(b) }

// ack is an ACK of these numbers with the peer's credit and grant.
func (p *peer) ack(numbers ...uint64) frame {
	return func(b []byte) []byte { return wire.AppendAck(b, p.body(numbers)) }
}

// resume is the RESUME of a new absence, resumeAgain the same one repeated.
func (p *peer) resume(numbers ...uint64) frame {
	p.resumes++
	return p.resumeAgain(numbers...)
}

func (p *peer) resumeAgain(numbers ...uint64) frame {
	r := wire.Resume{Count: p.resumes}
	return func(b []byte) []byte { return wire.AppendResume(b, r, p.body(numbers)) }
}

// all returns the numbers from first to last.
func all(first, last uint64) (numbers []uint64) {
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

func (p *peer) body(numbers []uint64) *wire.Ack {
	var set ranges
	for _, n := range numbers {
		set.add(n, n+1)
	}
	a := &wire.Ack{Delay: p.delay, Credit: p.credit, GrantMessages: p.grantMessages, GrantBytes: p.grant}
	if len(set) > 0 {
		a.Arrival = testClock + p.now.Sub(p.start) - p.delay
	}
	for _, s := range slices.Backward(set) {
		a.Ranges = append(a.Ranges, wire.Range{Smallest: s.start, Largest: s.end - 1})
	}
	return a
}

// receive hands the stream a packet of these frames.
func (p *peer) receive(frames ...frame) error {
	var b []byte
	for _, f := range frames {
		b = f(b)
	}
	p.theirs++
	_, err := p.s.Receive(p.now, p.theirs-1, b, nil)
	return err
}

// deliver is receive of a packet that keeps to the protocol.
func (p *peer) deliver(frames ...frame) {
	p.Helper()
	if err := p.receive(frames...); err != nil {
		p.Fatalf("packet %d was refused: %v", p.theirs-1, err)
	}
}

// lose lets a packet of the peer disappear.
func (p *peer) lose() { p.theirs++ }

// write has the application write n bytes, all of which must be taken.
func (p *peer) write(n int) {
	p.Helper()
	if got := p.s.Write(patterned(p.writeOffset, n)); got != n {
		p.Fatalf("Write took %d of %d bytes", got, n)
	}
	p.writeOffset += uint64(n)
}

// read has the application read n bytes, which must be there.
func (p *peer) read(n int) {
	p.Helper()
	b := make([]byte, n)
	if got := read(p.s, b); got != n || !slices.Equal(b, patterned(p.readOffset, n)) {
		p.Fatalf("Read returned %d bytes, or wrong ones, want %d", got, n)
	}
	p.readOffset += uint64(n)
}

// want takes the stream's next packet, which must consist of these frames, and
// returns its number.
func (p *peer) want(why, frames string) uint64 {
	p.Helper()
	if p.s.Pending(p.now) == Idle {
		p.Fatalf("%s: the stream is idle, want %s", why, frames)
	}
	if got := p.next(); got != frames {
		p.Fatalf("%s: packet %d is\n%s, want\n%s", why, p.number-1, got, frames)
	}
	return p.number - 1
}

// next takes the stream's next packet and describes it; empty: there is none.
func (p *peer) next() string {
	p.Helper()
	packet := next(p.s, p.now, p.number, p.room)
	if len(packet) == 0 {
		return ""
	}
	p.number++
	d := describer{peer: p}
	if err := wire.Parse(packet, new(wire.Ack), &d); err != nil {
		p.Fatalf("the stream sent a malformed packet: %v", err)
	}
	return strings.Join(d.frames, ", ")
}

// sends takes n packets, whatever they are.
func (p *peer) sends(n int) {
	p.Helper()
	for i := range n {
		if p.s.Pending(p.now) == Idle || p.next() == "" {
			p.Fatalf("the stream sent %d packets, want %d", i, n)
		}
	}
}

// drain takes packets until the stream is idle and returns how many.
func (p *peer) drain() (n int) {
	p.Helper()
	for p.s.Pending(p.now) != Idle {
		if p.next() != "" {
			n++
		}
		if n > 20000 {
			p.Fatal("the stream sends without end")
		}
	}
	return n
}

func (p *peer) wantIdle(why string) {
	p.Helper()
	if p.s.Pending(p.now) != Idle {
		p.Fatalf("%s: want nothing, but the stream sends %s", why, p.next())
	}
}

// timer moves the clock to the next deadline, which must be d away.
func (p *peer) timer(why string, d time.Duration) {
	p.Helper()
	at := p.s.Deadline()
	if at.IsZero() || at.Sub(p.now) != d {
		p.Fatalf("%s: the next deadline is %v away (zero: %v), want %v", why, at.Sub(p.now), at.IsZero(), d)
	}
	p.pass(d)
}

// pass lets time pass.
func (p *peer) pass(d time.Duration) {
	p.now = p.now.Add(d)
	p.s.Expire(p.now)
}

func (p *peer) wantNoTimer(why string) {
	p.Helper()
	if at := p.s.Deadline(); !at.IsZero() {
		p.Fatalf("%s: want no deadline, but there is one in %v", why, at.Sub(p.now))
	}
}

func (p *peer) wantWindow(why string, bytes int) {
	p.Helper()
	if p.s.congestion.window != bytes {
		p.Fatalf("%s: the window is %d bytes, want %d", why, p.s.congestion.window, bytes)
	}
}

// describer is a visitor that describes a packet in words.
type describer struct {
	peer   *peer
	frames []string
}

func (d *describer) add(format string, values ...any) {
	d.frames = append(d.frames, fmt.Sprintf(format, values...))
}

func (d *describer) Stream(offset uint64, b []byte) {
	if !slices.Equal(b, patterned(offset, len(b))) {
		d.peer.Fatalf("the data at offset %d is not what was written", offset)
	}
	d.add("STREAM %d+%d", offset, len(b))
}

func (d *describer) ranges(name string, a *wire.Ack) {
	d.peer.last = *a
	for i, r := range a.Ranges {
		separator := ","
		if i == 0 {
			separator = " "
		}
		name += fmt.Sprintf("%s%d-%d", separator, r.Smallest, r.Largest)
	}
	d.add("%s", name)
}

func (d *describer) Ack(a *wire.Ack)                   { d.ranges("ACK", a) }
func (d *describer) Resume(_ wire.Resume, a *wire.Ack) { d.ranges("RESUME", a) }
func (d *describer) PathChallenge(p wire.Path)         { d.add("PATH_CHALLENGE %d", p.Path) }
func (d *describer) PathResponse(p wire.Path)          { d.add("PATH_RESPONSE %d", p.Path) }
func (d *describer) Fin(final uint64)                  { d.add("FIN %d", final) }
func (d *describer) Stop()                             { d.add("STOP") }
func (d *describer) Reset(code uint64)                 { d.add("RESET %d", code) }
func (d *describer) Ping()                             { d.add("PING") }
