package conn

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A schedule is two Conns over a net of paths on which everything is drawn from a seed. One goroutine is the net and the
// writers of all links, so that a seed leads to about the same each time.
type schedule struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand
	links   int
	begin   time.Time
	whole   time.Time // when the last fault ends
	lasting bool      // only one path works then
	faults  int       // how many there are
	nodes   [2]*node
	woken   chan struct{} // holds a token while a node has something to send
	events  []happening   // what is going to happen, by time

	lost   [2][path.MaxLinks * path.MaxLinks]int           // how many faults lose what an end sends on a path
	delay  [2][path.MaxLinks * path.MaxLinks]time.Duration // of what an end sends on a path
	most   [2][path.MaxLinks * path.MaxLinks]int           // larger packets are dropped without a word; 0: none are
	paths  []path.ID                                       // that there are, as the dialer numbers them
	jitter time.Duration                                   // at most, added to it
	twice  float64                                         // probability that a packet comes again, a little later
}

// A happening is something at a time.
type happening struct {
	at time.Time
	do func()
}

func (h happening) compare(other happening) int { return h.at.Compare(other.at) }

// A node is one end, the Host of its Conn.
type node struct {
	*Conn
	schedule *schedule
	number   int
	links    *path.Links
	down     [path.MaxLinks]int       // how many faults keep a link down
	resume   [path.MaxLinks]time.Time // when the link's writer has the Conn resume; zero: it does not
	limits   [path.MaxLinks]int
	twice    uint64        // packets that came again
	flowed   time.Duration // how long after the last fault the first byte came

	mu    sync.Mutex // guards all below
	ready [path.MaxLinks]bool
	moves []move
}

// A move is one that the Host was told of.
type move struct {
	at       time.Time
	from, to path.ID
	why      string
}

// Wake implements Host: like the queue of a link it keeps the Conn until the link's writer comes by.
func (n *node) Wake(own uint8, _ stream.Priority) {
	n.mu.Lock()
	n.ready[own] = true
	n.mu.Unlock()
	select {
	case n.schedule.woken <- struct{}{}:
	default:
	}
}

func (n *node) Limit(own uint8) int { return n.limits[own] }
func (n *node) Counts(uint8) bool   { return false }

func (n *node) Moved(from, to path.ID, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moves = append(n.moves, move{time.Now(), from, to, why})
}

func (n *node) Proved()         {}
func (n *node) Check(path.Mask) {}
func (n *node) Checked()        {}
func (n *node) TimeWait()       {}
func (n *node) Forget()         {}

// movesSince returns how often the Conn moved for each reason since a time.
func (n *node) movesSince(at time.Time) map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := make(map[string]int)
	for _, m := range n.moves {
		if !m.at.Before(at) {
			count[m.why]++
		}
	}
	return count
}

// newSchedule must be called inside simtest.Run.
func newSchedule(t *testing.T, seed uint64) *schedule {
	s := &schedule{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), begin: time.Now(), woken: make(chan struct{}, 1)}
	s.links = 2 + s.random.IntN(2)
	for i, config := range configs(s.begin, s.links) {
		n := &node{schedule: s, number: i, links: config.links}
		config.Life.PeerTimeout = 10 * time.Minute
		for own := range n.limits {
			n.limits[own] = 1<<10<<s.random.IntN(5) + record.Overhead
		}
		s.nodes[i] = n
		n.Conn = New(config.Config, n, s.begin)
	}
	s.connect()
	return s
}

// connect decides which paths there are: one for each link of either end, in any order, or all, as in a cluster.
func (s *schedule) connect() {
	order := s.random.Perm(s.links)
	order[slices.Index(order, 0)], order[0] = order[0], 0 // the handshake came by path 0-0
	cluster := s.random.IntN(3) == 0
	for p := range path.ID(path.MaxLinks * path.MaxLinks) {
		there := int(p.Own()) < s.links && int(p.Peer()) < s.links && (cluster || order[p.Own()] == int(p.Peer()))
		took := time.Duration(s.random.IntN(40)) * time.Millisecond
		most := s.random.IntN(2) * (4 << 10 << s.random.IntN(2))
		if there {
			s.paths = append(s.paths, p)
		}
		for i, q := range [2]path.ID{p, p.Reverse()} {
			s.most[i][q] = most
			if s.delay[i][q] = took; !there {
				s.lost[i][q]++
			}
		}
	}
}

func (s *schedule) errorf(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("seed %d, after %v: "+format, append([]any{s.seed, time.Since(s.begin)}, args...)...)
}

// after has something happen.
func (s *schedule) after(wait time.Duration, do func()) {
	h := happening{time.Now().Add(wait), do}
	i, _ := slices.BinarySearchFunc(s.events, h, happening.compare)
	s.events = slices.Insert(s.events, i, h)
}

// run lets everything happen until it is time, or a channel is closed, and reports whether that was.
func (s *schedule) run(until time.Time, done <-chan struct{}) bool {
	s.events = append(s.events, happening{until, func() {}}) // so that there always is a next one
	slices.SortStableFunc(s.events, happening.compare)
	next := time.NewTimer(0)
	defer next.Stop()
	for time.Now().Before(until) {
		simtest.Wait()
		for len(s.events) > 0 && !s.events[0].at.After(time.Now()) {
			do := s.events[0].do
			s.events = s.events[1:]
			do()
		}
		for _, n := range s.nodes {
			n.write()
		}
		next.Reset(time.Until(s.events[0].at))
		select {
		case <-s.woken:
		case <-next.C:
		case <-done:
			return true
		}
	}
	return false
}

// write is the writer of all links of an end.
func (n *node) write() {
	for own := range uint8(n.schedule.links) {
		if at := n.resume[own]; n.links.IsUp(own) && !at.IsZero() && !time.Now().Before(at) {
			n.resume[own] = time.Time{}
			n.Resume(time.Now())
		}
		for n.links.IsUp(own) && n.takeReady(own) {
			n.fill(own)
		}
	}
}

func (n *node) takeReady(own uint8) (ready bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ready, n.ready[own] = n.ready[own], false
	return ready
}

func (n *node) fill(own uint8) {
	p, ok := n.Outbound(own)
	if !ok {
		return
	}
	if p.Own() != own {
		n.schedule.errorf("over link %d it sends on path %v", own, p)
	}
	room := make([]byte, maxPacket+record.Overhead)
	if size := n.Fill(p, room, time.Now()); size > 0 {
		n.schedule.send(n, p, room[:size])
	}
}

// send has a packet arrive at the other end, unless something is in its way.
func (s *schedule) send(from *node, p path.ID, packet []byte) {
	to := s.nodes[1-from.number]
	if most := s.most[from.number][p]; s.lost[from.number][p] > 0 || most > 0 && len(packet) > most {
		return
	}
	arrive := func() {
		if s.lost[from.number][p] == 0 && to.links.IsUp(p.Peer()) {
			to.Receive(p.Peer(), slices.Clone(packet), time.Now())
		}
	}
	late := s.delay[from.number][p]
	if s.jitter > 0 {
		late += time.Duration(s.random.Int64N(int64(s.jitter)))
	}
	s.after(late, arrive)
	if s.random.Float64() < s.twice {
		s.after(late+time.Duration(s.random.IntN(3000))*time.Millisecond, func() {
			arrive()
			to.twice++
		})
	}
}

// linkDown and linkUp do what an Engine does when a link ends and comes up.
func (n *node) linkDown(own uint8) {
	if n.down[own]++; n.down[own] > 1 {
		return
	}
	now := time.Now()
	n.links.Down(own)
	n.resume[own] = time.Time{}
	n.resumeLater(n.LinkDown(own, now))
}

func (n *node) linkUp(own uint8) {
	if n.down[own]--; n.down[own] > 0 {
		return
	}
	now := time.Now()
	n.links.Up(own, now)
	n.resumeLater(n.LinkUp(own, true, now))
	n.Introduce(own, now)
}

// resumeLater has the writer of the link in use have the Conn resume, at once or in its turn among many.
func (n *node) resumeLater(resume bool) {
	if !resume {
		return
	}
	wait := time.Duration(n.schedule.random.IntN(2)*n.schedule.random.IntN(300)) * time.Millisecond
	n.resume[n.Own()] = time.Now().Add(wait)
	n.schedule.after(wait, func() {})
}
