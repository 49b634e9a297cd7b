package engine

import (
	"io"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// wholeSession records a session from the first hello to the last packet. Its
// dialer is gone in the end, its listener still listens.
func wholeSession(w *world, l *Listener) (log []message, client *Engine) {
	w.record()
	client = w.engine()
	dialed, accepted := w.connect(client, l)
	w.exchange(dialed, accepted)
	if _, err := client.Ping(w.t.Context(), testName); err != nil {
		w.t.Fatal(err)
	}
	go dialed.Write(make([]byte, 1<<20))
	if _, err := io.ReadFull(readerOf{accepted}, make([]byte, 1<<20)); err != nil {
		w.t.Fatal(err)
	}
	dialed.Close()
	accepted.Close()
	time.Sleep(afterTimeWait)
	simtest.Wait()
	return w.recorded(), client
}

// TestReplayOfAWholeSession publishes every message of a session again, on
// every topic, in order and shuffled, while its hellos are in time and later.
func TestReplayOfAWholeSession(t *testing.T) {
	for name, test := range map[string]struct {
		wait    time.Duration
		shuffle bool
	}{"in order": {0, false}, "shuffled": {0, true}, "in order, later": {time.Minute, false}, "shuffled, later": {time.Minute, true}} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) { replaySession(t, test.wait, test.shuffle) })
		})
	}
}

func replaySession(t *testing.T, wait time.Duration, shuffle bool) {
	w := newWorld(t)
	server := w.engine()
	l := w.listen(server)
	log, client := wholeSession(w, l)
	if wait == 0 {
		// The hellos' time is nearly over after the Conns in TIME-WAIT: record another one.
		w.record()
		c, d := w.connect(client, l)
		w.exchange(c, d)
		log = append(log, w.recorded()...)
	} else {
		time.Sleep(wait)
	}
	dialed, accepted := w.connect(client, l)
	w.exchange(dialed, accepted)
	time.Sleep(time.Second)
	before, rejectedBefore := [2]map[string]int{entries(client), entries(server)}, server.Stats().Rejected
	stats := accepted.Stats()

	if shuffle {
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
	}
	w.publishAgain(log, l.topic(), server.uplinks[0].topic, client.uplinks[0].topic)
	for i, e := range []*Engine{client, server} {
		if after := entries(e); !maps.Equal(before[i], after) {
			t.Errorf("an Engine has %v, after the replay %v", before[i], after)
		}
	}
	if rejected := server.Stats().Rejected - rejectedBefore; rejected < uint64(len(log)) {
		t.Errorf("%d messages replayed, %d rejected", len(log), rejected)
	}
	w.exchange(dialed, accepted)
	if after := accepted.Stats(); after.Duplicates != stats.Duplicates || after.Retransmitted != stats.Retransmitted {
		t.Errorf("the Conn was disturbed: %+v, then %+v", stats, after)
	}
	time.Sleep(halfOpenLife)
	if n := entries(server); n["waiting"]+n["half-open"] != 0 {
		t.Errorf("a replay reached the Listener: %v", n)
	}
}

// publishAgain has an intruder publish messages on each of the topics.
func (w *world) publishAgain(log []message, topics ...string) {
	intruder := w.intruder()
	for i, m := range log {
		for _, topic := range topics {
			intruder.publish(topic, m.payload)
		}
		if i%50 == 0 {
			simtest.Wait() // or the broker's queues overflow
		}
	}
	simtest.Wait()
}

// TestReplayToARestartedListener replays to one that has not seen the hellos
// yet: it answers, and waits in vain for the dialers to prove themselves.
func TestReplayToARestartedListener(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.engine()
		l := w.listen(first)
		w.record()
		client := w.engine()
		dialed, accepted := w.connect(client, l)
		w.exchange(dialed, accepted)
		w.cut(first)
		log := w.recorded()
		second := w.engine()
		l = w.listen(second)
		w.publishAgain(log, l.topic(), second.uplinks[0].topic, client.uplinks[0].topic)
		if n := entries(second); n["half-open"] != 1 || n["waiting"] != 0 || n["Conns"] != 1 {
			t.Errorf("after the replay of one hello the Listener has %v", n)
		}
		time.Sleep(halfOpenLife)
		simtest.Wait()
		if n := entries(second); len(n) != 1 || n["Listeners"] != 1 {
			t.Errorf("after 30 s the Listener has %v", n)
		}
	})
}
