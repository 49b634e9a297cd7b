package conn

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// twoPaths returns both ends of a Conn over two brokers that has asked which paths work: those by one broker.
func twoPaths(t *testing.T) (a, b *end) {
	a, b = pairOver(t, 2)
	for _, e := range []*end{a, b} {
		e.breaks(path.Of(0, 1), path.Of(1, 0))
	}
	b.Start(time.Now())
	a.Start(time.Now())
	exchange(t, a, b)
	time.Sleep(2 * time.Minute)
	return a, b
}

// told returns how often the Host was told something.
func (e *end) told(what string) (n int) {
	simtest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, did := range e.did {
		if did == what {
			n++
		}
	}
	return n
}

// follow has an end take it that the peer sends on a path.
func (e *end) follow(p path.ID) {
	e.Conn.mu.Lock()
	defer e.Conn.mu.Unlock()
	e.take(e.route.Named(p, time.Now()), time.Now())
}

func (e *end) current() path.ID {
	e.Conn.mu.Lock()
	defer e.Conn.mu.Unlock()
	return e.route.Current()
}

// TestSizeToldForThePathInUse bounds the packets on it from then on.
func TestSizeToldForThePathInUse(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const told = 2048
		a, b := pairOver(t, 2)
		b.mu.Lock()
		b.limits[0], b.limits[1] = told, told
		b.mu.Unlock()
		largest := 0
		a.set(func(packet []byte) bool { largest = max(largest, len(packet)); return true })
		b.Start(time.Now())
		a.Start(time.Now())
		time.Sleep(time.Second)
		for range 20 {
			a.write(t, string(make([]byte, 30000)))
			b.read(t, string(make([]byte, 30000)))
		}
		if largest > told || largest < told/2 {
			t.Errorf("the largest packet has %d bytes, and the peer takes %d", largest, told)
		}
	})
}

// TestEndsOnAPathEachFindTogether when that of one ends, as after moves at once. The other has nothing to send but ACKs, and so
// notices nothing itself.
func TestEndsOnAPathEachFindTogether(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := twoPaths(t)
		b.follow(path.Of(1, 1))
		time.Sleep(2 * time.Minute)
		exchange(t, a, b)
		if a.current() == b.current() {
			t.Fatalf("the scene is not set: both send on %v", a.current())
		}
		a.down(1)
		before := a.packets() + b.packets()
		a.write(t, "keystroke")
		start := time.Now()
		for a.Waiting() && time.Since(start) < time.Minute {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("it was acknowledged after %v", took)
		}
		if n := a.packets() + b.packets() - before; n > 30 {
			t.Errorf("that took %d packets", n)
		}
		if b.current() != path.Of(0, 0) {
			t.Errorf("the peer still sends on %v", b.current())
		}
	})
}

// TestPacketsAboutPathsAnswerNothing and have nothing asked: the peer sends a challenge each millisecond, acknowledges nothing,
// and no more CHECKs go than in silence.
func TestPacketsAboutPathsAnswerNothing(t *testing.T) {
	checks := func(challenges bool) (n int) {
		simtest.Run(t, func(t *testing.T) {
			a, b := twoPaths(t)
			a.set(nothing)
			b.set(nothing)
			a.write(t, "unanswered")
			for range 20_000 {
				if challenges {
					b.challenge(a)
				}
				time.Sleep(time.Millisecond)
			}
			n = a.told("check")
		})
		return n
	}
	silent, challenged := checks(false), checks(true)
	if silent == 0 || challenged > silent {
		t.Errorf("%d CHECKs in silence, and %d for a peer that challenges", silent, challenged)
	}
}

// challenge hands the other end a PATH_CHALLENGE, whatever the writer does.
func (e *end) challenge(other *end) {
	room := make([]byte, maxPacket+record.Overhead)
	e.filling.Lock()
	e.Conn.mu.Lock()
	e.route.Introduce(0, time.Now())
	plaintext := e.nextOnPath(0, room, time.Now())
	e.Conn.mu.Unlock()
	n := e.seal.Seal(room, plaintext)
	e.filling.Unlock()
	other.Receive(0, room[:n], time.Now())
}
