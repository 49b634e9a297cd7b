package mux

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// taken is what a key has of a quota.
func taken(s share) int { return s.quota.taken[s.key] }

// start is some time, since flow compares times only.
var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// readAt lets a flow's peer send all it may and reads it at a speed in bytes a
// second, for a while. It returns the window that results.
func readAt(f *flow, budget share, speed int, from time.Time, long time.Duration) int {
	const step = 10 * time.Millisecond
	for passed := time.Duration(0); passed < long; passed += step {
		f.receive(int(f.limit - f.received))
		f.consume(min(speed/100, int(f.received-f.read)), budget, from.Add(passed))
	}
	return f.window
}

func TestWindowFollowsTheReader(t *testing.T) {
	for _, test := range []struct{ speed, least, most int }{
		{10 << 10, initialWindow, initialWindow},
		{100 << 10, initialWindow, initialWindow},
		{1 << 20, 1 << 20, 4 << 20},
		{100 << 20, maxWindow, maxWindow},
	} {
		f, budget := newFlow(start), newQuota(windowBudget).of(mqtte2e.Key{})
		if got := readAt(&f, budget, test.speed, start, time.Minute); got < test.least || got > test.most {
			t.Errorf("reading %d bytes a second makes the window %d, want %d to %d", test.speed, got, test.least, test.most)
		}
		if got := readAt(&f, budget, 1<<20, start.Add(time.Minute), time.Minute); got < initialWindow || got > 4<<20 {
			t.Errorf("reading 1 MiB a second after that makes the window %d", got)
		}
		f.release(budget)
		if lost := taken(budget); lost != 0 {
			t.Errorf("%d bytes of the budget are lost", lost)
		}
	}
}

func TestWindowsShareABudget(t *testing.T) {
	budget := newQuota(windowBudget).of(mqtte2e.Key{})
	flows := make([]flow, 100)
	total := 0
	for i := range flows {
		flows[i] = newFlow(start)
		total += readAt(&flows[i], budget, 100<<20, start, time.Second) - initialWindow
	}
	if total > windowBudget || total < windowBudget-maxWindow || taken(budget) != total {
		t.Errorf("windows exceed their first size by %d in all, %d of the budget are taken", total, taken(budget))
	}
	// The last ones did not grow, but go on.
	last := &flows[len(flows)-1]
	before := last.read
	if readAt(last, budget, 100<<20, start, time.Second); last.read < before+10*initialWindow {
		t.Errorf("a stream without a share of the budget reads %d bytes", last.read-before)
	}
	for i := range flows {
		flows[i].release(budget)
	}
	if lost := taken(budget); lost != 0 {
		t.Errorf("%d bytes of the budget are lost", lost)
	}
}

// TestFlowNeverStallsNorExceeds reads and sends at random.
func TestFlowNeverStallsNorExceeds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		f, budget, now := newFlow(start), newQuota(windowBudget).of(mqtte2e.Key{}), start
		allowed := uint64(initialWindow) // what the peer knows
		for range 1000 {
			if n := random.IntN(maxWindow); f.received+uint64(n) <= allowed {
				if !f.receive(n) {
					t.Fatal("what was granted is not allowed")
				}
			}
			now = now.Add(time.Duration(random.IntN(int(time.Second))))
			n := random.IntN(int(f.received-f.read) + 1)
			allowed += uint64(f.consume(n, budget, now))
			switch ahead := allowed - f.read; {
			case ahead > maxWindow:
				t.Fatalf("the peer may be %d bytes ahead", ahead)
			case ahead < initialWindow/2:
				t.Fatalf("the peer may be only %d bytes ahead", ahead)
			}
			if f.window < initialWindow || f.window > maxWindow || taken(budget) != f.window-initialWindow {
				t.Fatalf("the window is %d, %d of the budget taken", f.window, taken(budget))
			}
		}
		if f.receive(int(allowed-f.received) + 1) {
			t.Fatal("more than was granted is allowed")
		}
	}
}

// TestPeerBeyondItsWindow sends one byte more than the window that yamux itself
// would let pass.
func TestPeerBeyondItsWindow(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		server, err := Server(c)
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, other)
		other.Write(frame(typeWindowUpdate, flagSYN, 1, 0, nil))
		far, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		other.Write(data(0, 1, noise(initialWindow)))
		simtest.Wait()
		if closed(server.Done()) {
			t.Fatal("a peer that keeps to its window is thrown out")
		}
		other.Write(data(0, 1, []byte("x")))
		<-server.Done()
		if _, err := server.Accept(); err == nil || !strings.Contains(err.Error(), "window") {
			t.Errorf("Accept: %v", err)
		}
		wantRead(t, far, noise(initialWindow))
		far.Close()
		server.Close()
		other.Close()
	})
}
