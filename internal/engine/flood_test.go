package engine

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// garbage returns random bytes.
func garbage(random *rand.ChaCha8, size int) []byte {
	b := make([]byte, size)
	random.Read(b)
	return b
}

// TestFloods runs a transfer while strangers publish on all our topics, at the
// rates that the design names.
func TestFloods(t *testing.T) {
	for name, test := range map[string]struct {
		rate int // messages a second
		size int // MaxMessageSize
		make func(random *rand.ChaCha8, seen []message) []byte
	}{
		"1 KiB":           {5000, 60 << 10, func(r *rand.ChaCha8, _ []message) []byte { return garbage(r, 1<<10) }},
		"1 MiB":           {20, 1 << 20, func(r *rand.ChaCha8, _ []message) []byte { return garbage(r, 1<<20) }},
		"1 MiB, oversize": {20, 60 << 10, func(r *rand.ChaCha8, _ []message) []byte { return garbage(r, 1<<20) }},
		"as long as a hello": {5000, 60 << 10, func(r *rand.ChaCha8, _ []message) []byte {
			return garbage(r, handshake.MinEnvelope+int(r.Uint64()%128))
		}},
		"replays": {5000, 60 << 10, func(r *rand.ChaCha8, seen []message) []byte { return seen[r.Uint64()%uint64(len(seen))].payload }},
		"altered packets": {5000, 60 << 10, func(r *rand.ChaCha8, seen []message) []byte {
			m := seen[r.Uint64()%uint64(len(seen))].copy()
			m.payload[12] ^= 1 // behind id and number: a Conn is found, and its key is tried
			return m.payload
		}},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) { flood(t, test.size, test.rate, test.make) })
		})
	}
}

func flood(t *testing.T, maxMessageSize, rate int, makeOne func(*rand.ChaCha8, []message) []byte) {
	lasts := time.Duration(scaled(1000)) * time.Millisecond
	w := newWorld(t)
	w.record()
	client := w.engine(func(c *Config) { c.MaxMessageSize = maxMessageSize })
	l := w.listen(w.engine(func(c *Config) { c.MaxMessageSize = maxMessageSize }))
	dialed, accepted := w.connect(client, l)
	sendAndCompare(t, dialed, accepted, 100<<10)
	seen := w.recorded()
	w.mu.Lock()
	w.keep = false
	w.mu.Unlock()
	before := [2]map[string]int{entries(client), entries(l.engine)}

	random := rand.NewChaCha8([32]byte{byte(rate)})
	intruder := w.intruder()
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for i := range int(float64(rate) * lasts.Seconds()) {
			topic := []string{l.topic(), l.engine.uplinks[0].topic, client.uplinks[0].topic}[i%3]
			intruder.publish(topic, makeOne(random, seen))
			time.Sleep(time.Second / time.Duration(rate))
		}
	}()
	start := time.Now()
	for time.Since(start) < lasts {
		sendAndCompare(t, dialed, accepted, 30<<10)
		sendAndCompare(t, accepted, dialed, 30<<10)
		time.Sleep(10 * time.Millisecond)
	}
	<-flooded
	simtest.Wait()
	if passed := time.Since(start); passed > lasts+time.Second {
		t.Errorf("the transfer took %v instead of %v", passed, lasts)
	}
	rejected := accepted.Stats().Rejected
	rejected += l.engine.Stats().Rejected
	if want := uint64(float64(rate)*lasts.Seconds()) / 3; rejected < want {
		t.Errorf("the listener's end counted %d of %d rejected messages", rejected, want)
	}
	time.Sleep(time.Second)
	for i, e := range []*Engine{client, l.engine} {
		if n := entries(e); n["Conns"] != before[i]["Conns"] || n["half-open"]+n["waiting"]+n["dials"]+n["probes"]+n["checks"] != 0 {
			t.Errorf("an Engine had %v and has %v", before[i], n)
		}
	}
}

// TestStrangersBytesAreCheap counts the allocations for messages that do not
// authenticate.
func TestStrangersBytesAreCheap(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		random := rand.NewChaCha8([32]byte{})
		l := accepted.origin.listener
		for _, test := range []struct {
			what    string
			payload []byte
			most    float64 // allocations
		}{
			{"nothing", nil, 1},
			{"1 KiB", garbage(random, 1<<10), 1},
			{"60 KiB", garbage(random, 60<<10), 1},
			{"an envelope's length", garbage(random, handshake.MinEnvelope), 30},
			{"a packet again", w.lastTo(accepted.engine.uplinks[0].topic), 1},
			{"a hello again", w.lastTo(l.topic()), 60},
		} {
			payload := make([]byte, len(test.payload))
			for topic, handler := range map[string]link.Handler{"inbox": accepted.engine.uplinks[0].receiveInbox, "rendezvous": l.only().handler(accepted.engine.uplinks[0])} {
				allocations := testing.AllocsPerRun(100, func() {
					copy(payload, test.payload) // packets are opened in place
					handler(nil, payload, time.Now())
				})
				if allocations > test.most {
					t.Errorf("%s to the %s: %v allocations, want at most %v", test.what, topic, allocations, test.most)
				}
			}
		}
	})
}

// firstTo and lastTo return the first and last recorded message to a topic.
func (w *world) firstTo(topic string) []byte {
	for _, m := range w.recorded() {
		if m.isTo(topic) {
			return m.payload
		}
	}
	return nil
}

func (w *world) lastTo(topic string) (payload []byte) {
	for _, m := range w.recorded() {
		if m.isTo(topic) {
			payload = m.payload
		}
	}
	return payload
}

// TestRetainedAndOtherQoS publishes what is genuine in ways that are not.
func TestRetainedAndOtherQoS(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		server := w.engine()
		l := w.listen(server)
		simtest.Wait() // it has looked for namesakes
		w.record()
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		w.set(refuse)
		w.engine().Dial(ctx, testName, nil)
		w.set(nil)
		intruder := w.intruder()
		hello := w.firstTo(l.topic())
		intruder.publishFlags(l.topic(), hello, true, true)
		intruder.publishFlags(server.uplinks[0].topic, hello, true, true)
		simtest.Wait()
		if n := entries(server); n["half-open"] != 1 {
			t.Errorf("the broker passes it on like any other, but the Listener has %v", n)
		}
		rejected := server.Stats().Rejected
		for range 2 { // the broker brings it again at each subscription
			w.cut(server)
			w.mend(server)
			time.Sleep(2 * time.Second)
		}
		if n := server.Stats().Rejected - rejected; n != 4 {
			t.Errorf("%d retained messages were rejected", n)
		}
		dialed, accepted := w.connect(w.engine(), l)
		w.exchange(dialed, accepted)
	})
}
