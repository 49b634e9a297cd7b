package conn

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

var (
	firstPath  = path.Of(0, 0)
	secondPath = path.Of(1, 1)
)

// separate lets nothing pass from one broker to another.
func separate(ends ...*end) {
	for _, e := range ends {
		e.breaks(path.Of(0, 1), path.Of(1, 0))
	}
}

func (e *end) wantPath(t *testing.T, want path.ID) {
	t.Helper()
	if got := e.Own(); got != want.Own() {
		t.Errorf("it sends over link %d, want %v", got, want)
	}
	if p, ok := e.Outbound(want.Own()); !ok || p != want {
		t.Errorf("over link %d it sends on %v, %v; want %v", want.Own(), p, ok, want)
	}
}

// TestPathThatLosesOneWayIsLeft, whichever way that is, and whoever sends data.
func TestPathThatLosesOneWayIsLeft(t *testing.T) {
	for _, lossy := range []string{"dialer", "listener"} {
		for _, sends := range []string{"dialer", "listener"} {
			t.Run(fmt.Sprintf("what the %s sends is lost while the %s has data", lossy, sends), func(t *testing.T) {
				simtest.Run(t, func(t *testing.T) {
					a, b := connectedOver(t, 2)
					separate(a, b)
					exchange(t, a, b)
					time.Sleep(10 * time.Second)
					ends := map[string]*end{"dialer": a, "listener": b}
					ends[lossy].breaks(firstPath, path.Of(0, 1), path.Of(1, 0))
					from, to := ends[sends], ends[map[string]string{"dialer": "listener", "listener": "dialer"}[sends]]
					start := time.Now()
					from.write(t, "over and out")
					to.read(t, "over and out")
					for from.Waiting() && time.Since(start) < time.Minute {
						time.Sleep(10 * time.Millisecond)
					}
					if took := time.Since(start); took > 5*time.Second {
						t.Errorf("it took %v", took)
					}
					start = time.Now()
					exchange(t, a, b)
					if took := time.Since(start); took > 0 {
						t.Errorf("then an exchange took %v", took)
					}
					a.wantPath(t, secondPath)
					b.wantPath(t, secondPath)
				})
			})
		}
	}
}

func TestPathIsLeftAtOnceWithItsLink(t *testing.T) {
	for _, broker := range []bool{false, true} {
		simtest.Run(t, func(t *testing.T) {
			a, b := connectedOver(t, 2)
			separate(a, b)
			exchange(t, a, b)
			simtest.Wait()
			b.wantDid(t)
			a.down(0)
			a.wantDid(t, "moved from 0-0 to 1-1: the connection to its broker is lost")
			b.wantDid(t, "moved from 0-0 to 1-1: the other end moved")
			if broker {
				b.down(0)
			}
			took(t, 0, func() { exchange(t, a, b) })
			a.wantPath(t, secondPath)
			b.wantPath(t, secondPath)
			if a.Stats().Moves != 1 || b.Stats().Moves != 1 {
				t.Errorf("they moved %d and %d times", a.Stats().Moves, b.Stats().Moves)
			}
		})
	}
}

// TestEndsThatMoveInOppositeWaysMeet: the dialer cannot take the path that the listener guesses.
func TestEndsThatMoveInOppositeWaysMeet(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connectedOver(t, 3)
		exchange(t, a, b)
		a.down(1)
		cut(a, b)
		a.down(0)
		b.down(0)
		simtest.Wait()
		if a.Own() == b.Own() {
			t.Errorf("the scene is not set: both took link %d", a.Own())
		}
		a.set(nil)
		b.set(nil)
		start := time.Now()
		exchange(t, a, b)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("they met after %v", took)
		}
		time.Sleep(10 * time.Second)
		p, _ := a.Outbound(a.Own())
		b.wantPath(t, p.Reverse())
	})
}

// TestOldResumeMovesNobody: one that was overtaken by minutes, and one that is repeated.
func TestOldResumeMovesNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := pairOver(t, 2)
		separate(a, b)
		b.Start(time.Now())
		var held [][]byte
		a.set(func(packet []byte) bool { held = append(held, bytes.Clone(packet)); return len(held) > 1 })
		a.Start(time.Now()) // whose RESUME is held up
		exchange(t, a, b)
		a.down(0)
		exchange(t, a, b)
		b.wantDid(t, "proved", "moved from 0-0 to 1-1: the other end moved")
		time.Sleep(3 * time.Minute)
		before := b.Stats()
		b.wantPath(t, secondPath)
		for range 2 {
			b.Receive(0, bytes.Clone(held[0]), time.Now())
			simtest.Wait()
		}
		if after := b.Stats(); after.Moves != before.Moves || after.Rejected != before.Rejected+1 {
			t.Errorf("it moved %d times and refused %d packets", after.Moves-before.Moves, after.Rejected-before.Rejected)
		}
		b.wantPath(t, secondPath)
		exchange(t, a, b)
	})
}

// TestResumeWithAnOldCountMovesNobody though its packet is new.
func TestResumeWithAnOldCountMovesNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connectedOver(t, 2)
		exchange(t, a, b)
		for count, want := range []uint64{0, 0, 1, 1} { // the dialer has said the first
			p := []path.ID{secondPath, secondPath, secondPath, firstPath}[count]
			n := []uint64{0, 1, 2, 2}[count]
			b.inject(wire.AppendResume(nil, wire.Resume{Path: uint8(p), Count: n}, &wire.Ack{GrantMessages: 1, Credit: 1}))
			if got := b.Stats().Moves; got != want {
				t.Errorf("RESUME %d for %v: %d moves, want %d", n, p, got, want)
			}
		}
	})
}

// TestPacketsOfAPathHaveItsSize, which is the smaller one of what both links take, as challenges tell.
func TestPacketsOfAPathHaveItsSize(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const small = 2 << 10
		a, b := pairOver(t, 2)
		separate(a, b)
		b.limits[1] = small + record.Overhead
		b.Start(time.Now())
		a.Start(time.Now())
		exchange(t, a, b)
		largest := func() (most int) {
			a.set(func(packet []byte) bool { most = max(most, len(packet)-record.Overhead); return true })
			text := string(make([]byte, 1<<20))
			go a.Write([]byte(text))
			b.read(t, text)
			simtest.Wait()
			return most
		}
		if n := largest(); n <= small {
			t.Errorf("on the first path the largest packet has %d bytes", n)
		}
		a.down(0)
		if n := largest(); n > small || n < small-small/8 {
			t.Errorf("on the second path the largest packet has %d bytes", n)
		}
		a.up(0, maxPacket)
		a.down(1)
		if n := largest(); n <= small {
			t.Errorf("back on the first path the largest packet has %d bytes", n)
		}
	})
}

// TestNothingIsMadeForAPathThatWasLeft, between Outbound and Fill.
func TestNothingIsMadeForAPathThatWasLeft(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connectedOver(t, 2)
		exchange(t, a, b)
		simtest.Wait()
		p, ok := a.Outbound(0)
		if !ok || p != firstPath {
			t.Fatalf("the scene is not set: it sends on %v", p)
		}
		a.links.Down(0)
		a.LinkDown(0, time.Now())
		a.Resume(time.Now())
		a.Ping()
		if n := a.Fill(p, make([]byte, maxPacket+record.Overhead), time.Now()); n != 0 {
			t.Errorf("a packet of %d bytes", n)
		}
		if _, ok := a.Outbound(0); ok {
			t.Error("there still is something to send over the link")
		}
	})
}

// Ping asks the peer for a sign of life.
func (e *end) Ping() { e.Doubt(false, time.Now()) }

func TestTraceOfMoves(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var l log
		a, b := connectedOver(t, 2, dialerLogs(&l, LevelTrace))
		exchange(t, a, b)
		l.taken()
		a.down(0)
		text := l.taken()
		for _, want := range []string{"msg=path conn=peer-abcd0000 path=1-1 up=true\n", "path=1-1 "} {
			if !bytes.Contains([]byte(text), []byte(want)) {
				t.Errorf("the log has no %q:\n%s", want, text)
			}
		}
		a.down(1)
		if text := l.taken(); !bytes.Contains([]byte(text), []byte("msg=path conn=peer-abcd0000 path=1-1 up=false\n")) {
			t.Errorf("the log is\n%s", text)
		}
	})
}

// TestTwoLinksAtOnce has both ends fill and receive over two links on goroutines of their own, while they move. No packet number
// comes twice.
func TestTwoLinksAtOnce(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connectedOver(t, 2)
		exchange(t, a, b)
		stop := make(chan struct{})
		var running, transfers sync.WaitGroup
		for _, e := range []*end{a, b} {
			for own := range uint8(2) {
				running.Go(func() { e.pump(own, stop) })
			}
		}
		const size = 1 << 20
		for _, way := range [][2]*end{{a, b}, {b, a}} {
			transfers.Go(func() { way[0].Write(make([]byte, size)) })
			transfers.Go(func() { way[1].read(t, string(make([]byte, size))) })
		}
		running.Go(func() {
			for i := range 200 {
				e := []*end{a, b}[i%2]
				own := e.Own()
				e.down(own)
				e.up(own, maxPacket)
				time.Sleep(10 * time.Millisecond)
			}
		})
		transfers.Wait()
		time.Sleep(3 * time.Second)
		close(stop)
		running.Wait()
		for i, e := range []*end{a, b} {
			if n := e.Stats().Rejected; n > 0 {
				t.Errorf("end %d refused %d packets", i, n)
			}
			if n := e.Stats().Moves; n < 100 {
				t.Errorf("the scene is not set: end %d moved %d times", i, n)
			}
		}
	})
}

// pump is another writer, of one link.
func (e *end) pump(own uint8, stop <-chan struct{}) {
	room := make([]byte, maxPacket+record.Overhead)
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Microsecond):
		}
		for {
			p, ok := e.Outbound(own)
			if !ok || !e.links.IsUp(own) || !e.sendOn(p, room) {
				break
			}
		}
	}
}
