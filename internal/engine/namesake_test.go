package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// wantNamesakes checks how many warnings of another listener are in a log, which
// has no other.
func (b *logbook) wantNamesakes(t *testing.T, want int) {
	t.Helper()
	simtest.Wait()
	lines := b.warnings()
	for _, line := range lines {
		if !strings.Contains(line, "another process listens under the same name") || !strings.Contains(line, "name="+testName) {
			t.Errorf("a warning: %s", line)
		}
	}
	if len(lines) != want {
		t.Errorf("%d warnings, want %d", len(lines), want)
	}
}

// TestListenersHearEachOther starts a second one later than the first, or at
// the same time, and a third one.
func TestListenersHearEachOther(t *testing.T) {
	for _, later := range []time.Duration{0, 10 * time.Second, time.Hour} {
		t.Run(fmt.Sprint(later), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				var logs [3]logbook
				first := w.engine(logs[0].use)
				w.listen(first)
				time.Sleep(later)
				logs[0].wantNamesakes(t, 0)
				w.listen(w.engine(logs[1].use))
				logs[0].wantNamesakes(t, 1)
				logs[1].wantNamesakes(t, 1)
				w.listen(w.engine(logs[2].use))
				for range 3 {
					time.Sleep(time.Hour)
					w.cut(first)
					w.mend(first)
					w.engine().Ping(context.Background(), testName)
				}
				for i := range logs {
					logs[i].wantNamesakes(t, 1)
				}
			})
		})
	}
}

// TestListenerHearsAnotherAfterAReconnect which began while it was away.
func TestListenerHearsAnotherAfterAReconnect(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		var here, there logbook
		e := w.engine(here.use)
		w.listen(e)
		time.Sleep(time.Minute)
		w.cut(e)
		w.listen(w.engine(there.use))
		time.Sleep(10 * time.Second)
		here.wantNamesakes(t, 0)
		there.wantNamesakes(t, 0)
		w.mend(e)
		time.Sleep(time.Minute)
		here.wantNamesakes(t, 1)
		there.wantNamesakes(t, 1)
	})
}

// TestLoneListenerHearsNobody although it reconnects, takes the place of a
// process that has crashed, is pinged by others and by itself, and a broker
// repeats everything.
func TestLoneListenerHearsNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		var log logbook
		crashed := w.engine(log.use)
		w.listen(crashed)
		w.cut(crashed)
		simtest.Wait()
		w.record()
		e := w.engine(log.use)
		w.listen(e)
		intruder := w.intruder()
		for range 5 {
			w.cut(e)
			w.mend(e)
			time.Sleep(time.Minute)
			for _, pinger := range []*Engine{w.engine(), e} {
				if _, err := pinger.Ping(context.Background(), testName); err != nil {
					t.Error(err)
				}
			}
			for _, m := range w.recorded() {
				intruder.publish(m.topic, m.payload)
			}
			time.Sleep(time.Second)
		}
		log.wantNamesakes(t, 0)
		if n := e.Stats().Reconnects; n != 5 {
			t.Errorf("%d reconnects, want 5", n)
		}
	})
}

// TestLookingForNamesakesIsBounded has many processes that ping, and Listeners
// that reconnect.
func TestLookingForNamesakesIsBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.engine()
		l := w.listen(e)
		for i := range 3 * maxNamesakes {
			w.listenTo(e, fmt.Sprint(testName, i))
		}
		time.Sleep(time.Hour)
		w.record()
		intruder := w.intruder() // who has the key, for once
		const probes = 1000
		for i := range probes {
			payload, err := l.only().name.HelloKey().Seal(rand.Reader, handshake.Probe{Nonce: [8]byte{1, byte(i), byte(i >> 8)}, Inbox: handshake.Inbox{ID: [16]byte{1, byte(i)}}})
			if err != nil {
				t.Fatal(err)
			}
			intruder.publish(l.topic(), payload)
			time.Sleep(5 * time.Minute / probes)
		}
		if own := count[handshake.Probe](w) - probes; own > namesakeBurst+5 || own < 5 {
			t.Errorf("%d PROBEs for %d in five minutes", own, probes)
		}
		time.Sleep(time.Hour)
		w.record()
		w.cut(e)
		w.mend(e)
		time.Sleep(time.Minute)
		sent := 0
		for _, m := range w.recorded() {
			if m.topic != e.uplinks[0].topic {
				sent++
			}
		}
		if sent > maxNamesakes || sent == 0 {
			t.Errorf("%d PROBEs after a reconnect", sent)
		}
	})
}
