package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestPing(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		server := w.engine()
		w.listen(server)
		near := w.engine()
		far := w.engine(func(c *Config) { c.Link.DialContext = delayed(w, 70*time.Millisecond) })
		for e, want := range map[*Engine]time.Duration{near: 0, far: 70 * time.Millisecond} {
			if rtt, err := e.Ping(context.Background(), testName); rtt != want || err != nil {
				t.Errorf("%v, %v; want %v", rtt, err, want)
			}
			if n := entries(e); len(n) != 0 {
				t.Errorf("the Engine still has %v", n)
			}
		}
		if n := entries(server); len(n) != 1 {
			t.Errorf("pings left %v", n)
		}
	})
}

// TestLostPing is not repeated: it is a probe of the path.
func TestLostPing(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		e := w.engine()
		start := time.Now()
		_, err := e.Ping(context.Background(), testName)
		if passed := time.Since(start); !errors.Is(err, ErrNoAnswer) || passed != dialTimeout {
			t.Errorf("after %v: %v", passed, err)
		}
		if n := count[handshake.Probe](w); n != 1 {
			t.Errorf("%d probes", n)
		}
		checkEmpty(t, e)
	})
}

// TestAnswersToProbesAreBounded replays one probe 5,000 times in a second.
func TestAnswersToProbesAreBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(w.engine())
		simtest.Wait() // it has looked for namesakes
		e := w.engine()
		w.record()
		e.Ping(context.Background(), testName)
		probe := w.firstTo(l.topic())
		intruder := w.intruder()
		for range 5000 {
			intruder.publish(l.topic(), probe)
			time.Sleep(time.Second / 5000)
		}
		simtest.Wait()
		if n := count[handshake.Pong](w); n > 1+2*answerRate {
			t.Errorf("%d answers to 5,000 probes within a second", n)
		}
		dialed, accepted := w.connect(e, l)
		w.exchange(dialed, accepted)
	})
}

// TestConnToItself has one Engine at both ends.
func TestConnToItself(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.engine()
		l := w.listen(e)
		dialed, accepted := w.connect(e, l)
		transferBothWays(t, dialed, accepted, 1<<20)
		w.broker.Stop()
		time.Sleep(10 * time.Second)
		w.broker.Start()
		transferBothWays(t, dialed, accepted, 1<<20)
		dialed.Close()
		accepted.Close()
		l.Close()
		time.Sleep(afterTimeWait)
		simtest.Wait()
		checkEmpty(t, e)
	})
}
