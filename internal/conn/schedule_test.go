package conn

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

var (
	schedules    = flag.Int("schedules", 300, "how many random schedules TestSchedules runs")
	scheduleSeed = flag.Int64("schedule", -1, "the only seed that TestSchedules runs")
)

const (
	// scheduleBatch schedules share a bubble, which costs two garbage collections.
	scheduleBatch = 25
	// flowing is how long it may take until data arrive at both ends after the last fault, and recovery until they have all:
	// losses in numbers look like a service that counts messages, which is sent few of them for a while, and the size of
	// packets that a broker drops is found out by several of them.
	flowing  = 30 * time.Second
	recovery = 60 * time.Second
	// leaving is what may be added where only one path is left: three probe timeouts of one that took seconds to answer.
	leaving = 30 * time.Second
)

// TestSchedules moves data both ways over two and three links that go down and up at either end or at both, while paths
// lose what goes one way or both, or only what is large, delay, reorder and repeat it. Everything arrives once, in order and
// to its end, soon after the last fault, after which all paths work, or only one.
func TestSchedules(t *testing.T) {
	first, n := uint64(0), uint64(*schedules)
	switch {
	case *scheduleSeed >= 0:
		first, n = uint64(*scheduleSeed), 1
	case simtest.Race, testing.Short():
		n /= 5
	}
	var total tally
	for from := first; from < first+n && !t.Failed(); from += scheduleBatch {
		simtest.Run(t, func(t *testing.T) {
			for seed := from; seed < min(from+scheduleBatch, first+n) && !t.Failed(); seed++ {
				s := newSchedule(t, seed)
				s.play(&total)
				if t.Failed() {
					t.Errorf("go test -run 'TestSchedules$' ./internal/conn -schedule %d", seed)
				}
			}
		})
	}
	t.Log(total.String())
}

// A tally is what is told of all schedules.
type tally struct {
	schedules, moves, most, apart int
	flowed, slowest               time.Duration // longest from the last fault to the first byte at either end, and to the end of both streams
	slowestSeed, mostSeed         uint64
}

func (y *tally) String() string {
	return fmt.Sprintf("%d schedules, %d moves, %d at most (seed %d), data flow at most %v after the last fault, and are all there after %v (seed %d), on different paths then: %d",
		y.schedules, y.moves, y.most, y.mostSeed, y.flowed, y.slowest, y.slowestSeed, y.apart)
}

// play runs the schedule from its beginning to its end.
func (s *schedule) play(total *tally) {
	s.plan()
	for _, n := range s.nodes {
		n.Start(time.Now())
	}
	done := make(chan struct{})
	ended := make(chan struct{})
	for i, n := range s.nodes {
		go n.writeAll(rand.New(rand.NewPCG(s.seed, uint64(1+i))), ended)
		go n.readAndCompare(rand.New(rand.NewPCG(s.seed, uint64(3+i))), ended)
	}
	go func() {
		for range 4 {
			<-ended
		}
		close(done)
	}()
	if !s.run(s.whole.Add(recovery+leaving), done) {
		s.stuck()
		<-done
		return
	}
	s.count(total)
	s.rest()
	for _, n := range s.nodes {
		n.Discard()
	}
}

// stuck says how both ends stand, and ends them.
func (s *schedule) stuck() {
	for i, n := range s.nodes {
		stats := n.Stats()
		s.errorf("end %d is not done: it sends on %v, wrote %d bytes, got %d, rejected %d packets, waits: %v, moved %v",
			i, n.route.Current(), stats.BytesSent, stats.BytesReceived, stats.Rejected, n.Waiting(), n.movesSince(s.begin))
		n.Discard()
	}
}

// extra is what leaving a path may take at the end.
func (s *schedule) extra() time.Duration {
	if s.lasting {
		return leaving
	}
	return 0
}

func (s *schedule) count(total *tally) {
	total.schedules++
	took := time.Since(s.whole)
	if took > total.slowest {
		total.slowest, total.slowestSeed = took, s.seed
	}
	if took > recovery+s.extra() {
		s.errorf("both ends were done %v after the last fault", took)
	}
	for _, n := range s.nodes {
		moves := int(n.Stats().Moves)
		if total.moves += moves; moves > total.most {
			total.most, total.mostSeed = moves, s.seed
		}
		if moves > 2*s.faults+1 { // a guess may be wrong
			s.errorf("%d faults moved end %d %d times", s.faults, n.number, moves)
		}
		if total.flowed = max(total.flowed, n.flowed); n.flowed > flowing+s.extra() {
			s.errorf("end %d got nothing for %v after the last fault", n.number, n.flowed)
		}
		if n.Stats().Rejected > n.twice {
			s.errorf("end %d refused %d packets, of which %d came twice", n.number, n.Stats().Rejected, n.twice)
		}
	}
	if s.nodes[0].route.Current() != s.nodes[1].route.Current().Reverse() {
		total.apart++
	}
}

// rest lets some minutes pass in which nothing is wrong, and little is sent: only a dialer moves, to earlier links and a
// minute apart.
func (s *schedule) rest() {
	if s.seed%4 != 0 || s.lasting {
		return
	}
	s.jitter, s.twice = 0, 0
	s.run(time.Now().Add(10*time.Second), nil) // for what is under way
	before, sent := time.Now(), [2]uint64{}
	for i, n := range s.nodes {
		sent[i] = n.Stats().PacketsSent
	}
	const minutes = 4
	s.run(before.Add(minutes*time.Minute), nil)
	for i, n := range s.nodes {
		moves := n.movesSince(before)
		if moves[path.ReasonDown]+moves[path.ReasonStall] > 0 || moves[path.ReasonReturn] > s.links || i == 1 && moves[path.ReasonReturn] > 0 {
			s.errorf("end %d moved while nothing was wrong: %v", i, moves)
		}
		if n := n.Stats().PacketsSent - sent[i]; n > 200 {
			s.errorf("end %d sent %d packets in %d minutes", i, n, minutes)
		}
	}
}

// text is what an end writes: the byte at an offset tells which end, and where.
func text(end, offset int) byte { return byte(uint32(offset+1+end*77)*2654435761>>16) ^ byte(end) }

const (
	// textSize is how much each end writes, and kept how much of that before the last fault is over, bytes.
	textSize = 50 << 10
	kept     = textSize * 9 / 10
)

// writeAll writes in pieces while things go wrong, and the last of them when nothing does any more.
func (n *node) writeAll(random *rand.Rand, ended chan<- struct{}) {
	defer func() { ended <- struct{}{} }()
	s := n.schedule
	pause := int64(max(s.whole.Sub(s.begin)/10, 1))
	for at := 0; at < textSize; {
		end := textSize
		if until := time.Until(s.whole); at == kept && until > 0 {
			time.Sleep(until)
		} else if until > 0 {
			end = kept
			time.Sleep(time.Duration(random.IntN(2)) * time.Duration(random.Int64N(pause)))
		}
		piece := make([]byte, min(1+random.IntN(1+random.IntN(16<<10)), end-at))
		for i := range piece {
			piece[i] = text(n.number, at+i)
		}
		if _, err := n.Write(piece); err != nil {
			s.errorf("end %d: write: %v", n.number, err)
			return
		}
		at += len(piece)
	}
	if err := n.CloseWrite(); err != nil {
		s.errorf("end %d: CloseWrite: %v", n.number, err)
	}
}

func (n *node) readAndCompare(random *rand.Rand, ended chan<- struct{}) {
	defer func() { ended <- struct{}{} }()
	s := n.schedule
	for at := 0; ; {
		piece := make([]byte, 1+random.IntN(16<<10))
		got, err := n.Read(piece)
		for i, b := range piece[:got] {
			if b != text(1-n.number, at+i) {
				s.errorf("end %d: byte %d is wrong", n.number, at+i)
				return
			}
		}
		if since := time.Since(s.whole); since >= 0 && n.flowed == 0 && got > 0 {
			n.flowed = since
		}
		at += got
		if err != nil {
			if err != io.EOF || at != textSize {
				s.errorf("end %d: after %d bytes: %v", n.number, at, err)
			}
			return
		}
		if random.IntN(8) == 0 && time.Now().Before(s.whole) {
			time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
		}
	}
}

// plan draws what goes wrong, when and for how long.
func (s *schedule) plan() {
	s.whole = s.begin.Add(50 * time.Millisecond)
	span := time.Duration(1+s.random.IntN(60)) * time.Second
	if s.random.IntN(2) == 0 {
		s.jitter = time.Duration(s.random.IntN(200)) * time.Millisecond
	}
	if s.random.IntN(2) == 0 {
		s.twice = 0.1 * s.random.Float64()
	}
	s.faults = 1 + s.random.IntN(12)
	for range s.faults {
		begin, lasts := time.Duration(s.random.Int64N(int64(span))), time.Duration(s.random.Int64N(int64(span)))/3
		if begin < 5*time.Second {
			lasts = min(lasts, 15*time.Second) // or the handshake is not confirmed in time
		}
		breaks, mends := s.fault()
		s.after(begin, breaks)
		s.after(begin+lasts, mends)
		if end := s.begin.Add(begin + lasts + time.Second/2); end.After(s.whole) {
			s.whole = end
		}
	}
	s.after(s.whole.Sub(s.begin), s.leave)
}

// leave has all paths but one break for good, in half of all schedules, when the last fault is over.
func (s *schedule) leave() {
	if s.random.IntN(2) == 0 {
		return
	}
	s.lasting = true
	s.faults += len(s.paths) - 1
	left := s.paths[s.random.IntN(len(s.paths))]
	for _, p := range s.paths {
		if p == left {
			continue
		}
		switch kind := s.random.IntN(4); {
		case kind == 0 && p.Own() != left.Own():
			s.nodes[0].linkDown(p.Own())
		case kind == 1 && p.Peer() != left.Peer():
			s.nodes[1].linkDown(p.Peer())
		case kind == 2:
			breaks, _ := s.losesBoth(p)
			breaks()
		default:
			end := s.random.IntN(2)
			breaks, _ := s.loses(end, [2]path.ID{p, p.Reverse()}[end])
			breaks()
		}
	}
}

// fault draws one.
func (s *schedule) fault() (breaks, mends func()) {
	end := s.random.IntN(2)
	own, peer := uint8(s.random.IntN(s.links)), uint8(s.random.IntN(s.links))
	switch s.random.IntN(6) {
	case 0: // one end loses a connection
		n := s.nodes[end]
		return func() { n.linkDown(own) }, func() { n.linkUp(own) }
	case 1: // a broker dies, and either end finds it again when it does
		first := time.Duration(s.random.IntN(500)) * time.Millisecond
		return s.both(0, func(n *node) { n.linkDown(own) }), s.both(first, func(n *node) { n.linkUp(own) })
	case 2: // a path loses what one end sends
		return s.loses(end, path.Of(own, peer))
	case 3: // or what both send
		return s.losesBoth(path.Of(own, peer))
	case 4: // a link loses what goes out, or everything
		return s.losesLink(end, own, s.random.IntN(2) == 0)
	}
	late := time.Duration(s.random.IntN(3000)) * time.Millisecond
	p := path.Of(own, peer)
	return func() { s.delay[end][p] += late }, func() { s.delay[end][p] -= late }
}

// both does something at one end and a little later at the other.
func (s *schedule) both(later time.Duration, do func(n *node)) func() {
	order := s.random.Perm(2)
	return func() {
		do(s.nodes[order[0]])
		if later == 0 {
			do(s.nodes[order[1]])
			return
		}
		s.after(later, func() { do(s.nodes[order[1]]) })
	}
}

func (s *schedule) loses(end int, paths ...path.ID) (breaks, mends func()) {
	change := func(by int) func() {
		return func() {
			for _, p := range paths {
				s.lost[end][p] += by
			}
		}
	}
	return change(1), change(-1)
}

func (s *schedule) losesBoth(p path.ID) (breaks, mends func()) {
	breakOne, mendOne := s.loses(0, p)
	breakOther, mendOther := s.loses(1, p.Reverse())
	return joined(breakOne, breakOther), joined(mendOne, mendOther)
}

func (s *schedule) losesLink(end int, own uint8, all bool) (breaks, mends func()) {
	var out, in []path.ID
	for peer := range uint8(s.links) {
		out, in = append(out, path.Of(own, peer)), append(in, path.Of(peer, own))
	}
	breakOut, mendOut := s.loses(end, out...)
	if !all {
		return breakOut, mendOut
	}
	breakIn, mendIn := s.loses(1-end, in...)
	return joined(breakOut, breakIn), joined(mendOut, mendIn)
}

func joined(a, b func()) func() { return func() { a(); b() } }
