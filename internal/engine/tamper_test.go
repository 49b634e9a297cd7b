package engine

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestEveryByteOfTheFirstMessages alters hello, answer and the first packet each
// way, one bit of one byte at a time. The dial succeeds all the same, through a
// repetition.
func TestEveryByteOfTheFirstMessages(t *testing.T) {
	for n, what := range []string{"hello", "answer", "dialer's packet", "listener's packet"} {
		t.Run(what, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) { alterMessage(t, n) })
		})
	}
}

// alterMessage alters the n-th message of one dial after the other, each at
// another byte.
func alterMessage(t *testing.T, n int) {
	w := newWorld(t)
	e, l := w.engine(), w.listen(w.engine())
	w.connect(e, l)
	for at := 0; at < handshake.MaxEnvelope; at += 5 / scaled(5) {
		time.Sleep(time.Second)
		seen, size := 0, 0
		w.set(func(m message) ([]byte, bool) {
			seen++
			if seen-1 != n {
				return m.payload, true
			}
			size = len(m.payload)
			altered := bytes.Clone(m.payload)
			altered[at%size] ^= 1 << (at % 8)
			return altered, true
		})
		start := time.Now()
		dialed, accepted := w.connect(e, l)
		w.exchange(dialed, accepted)
		passed := time.Since(start)
		w.set(nil)
		if dialed.ID() != accepted.ID() || dialed.id != accepted.origin.peerID || accepted.id != dialed.origin.peerID {
			t.Fatalf("byte %d: the ends do not belong together", at)
		}
		if passed > firstRepeat {
			t.Errorf("byte %d of %d: repeated after %v", at%size, size, passed)
		}
		dialed.Discard()
		accepted.Discard()
		if packet := n >= 2; packet && at >= size {
			break
		}
	}
	if n := entries(l.engine); n["waiting"]+n["half-open"] != 0 {
		t.Errorf("the Listener has %v", n)
	}
}

// TestReflection sends every message back to where it came from, and to every
// other topic too, as soon as it passes.
func TestReflection(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, server := w.engine(), w.engine()
		l := w.listen(server)
		messages := make(chan message, 10_000)
		reflected := make(map[string]bool)
		w.set(func(m message) ([]byte, bool) {
			if !reflected[string(m.payload)] { // else there would be no end
				reflected[string(m.payload)] = true
				messages <- m.copy()
			}
			return m.payload, true
		})
		intruder := w.intruder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for m := range messages {
				for _, topic := range []string{l.topic(), server.uplinks[0].topic, client.uplinks[0].topic} {
					intruder.publish(topic, m.payload)
				}
			}
		}()
		for range 5 {
			dialed, accepted := w.connect(client, l)
			w.exchange(dialed, accepted)
			sendAndCompare(t, dialed, accepted, 256<<10)
			dialed.Close()
			accepted.Close()
		}
		time.Sleep(afterTimeWait)
		simtest.Wait()
		w.set(nil)
		close(messages)
		<-done
		for _, e := range []*Engine{client, server} {
			if n := entries(e); len(n) > 1 || n["Listeners"] != len(n) {
				t.Errorf("an Engine has %v", n)
			}
		}
	})
}

// TestHelloMovedToAnotherName publishes a hello for one name on the topic of
// another that the same process listens to.
func TestHelloMovedToAnotherName(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		server := w.engine()
		other := w.listenTo(server, "other")
		simtest.Wait() // it has looked for namesakes
		w.record()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w.engine().Dial(ctx, testName, nil)
		hellos := w.recorded()
		w.publishAgain(hellos, other.topic())
		if n := entries(server); n["half-open"]+n["Conns"] != 0 || server.Stats().Rejected != uint64(len(hellos)) {
			t.Errorf("after %d hellos for another name: %v, %d rejected", len(hellos), n, server.Stats().Rejected)
		}
	})
}
