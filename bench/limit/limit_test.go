package limit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestBucket(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := &bucket{Rate: Rate{Messages: 10}}
	for i := range 10 {
		if wait := b.take(now, 1); wait != 0 {
			t.Fatalf("message %d of a second's worth has to wait %v", i, wait)
		}
	}
	wait := b.take(now, 1)
	if wait < 100*time.Millisecond || wait > 101*time.Millisecond {
		t.Errorf("the one after has to wait %v", wait)
	}
	if again := b.take(now.Add(wait), 1); again != 0 {
		t.Errorf("having waited, it has to wait %v", again)
	}
	now = now.Add(time.Hour)
	for range 10 {
		b.take(now, 1)
	}
	if b.take(now, 1) == 0 {
		t.Error("more than a second's worth is saved up")
	}
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

// published returns n PUBLISH packets of the given payload.
func published(topic string, n, size int) (all []byte) {
	for range n {
		all = append(all, packet{publish << 4, append(text(topic), make([]byte, size)...)}.bytes()...)
	}
	return all
}

// connected returns a CONNECT with that keep-alive.
func connected(keepAlive uint16) []byte {
	body := binary.BigEndian.AppendUint16(append(text("MQTT"), 4, 2), keepAlive)
	return packet{connect << 4, append(body, text("client")...)}.bytes()
}

func subscribed(filters ...string) []byte {
	body := []byte{0, 7}
	for _, filter := range filters {
		body = append(append(body, text(filter)...), 0)
	}
	return packet{subscribe<<4 | 2, body}.bytes()
}

var ping = packet{first: 0xC0}.bytes()

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// run runs a client that sends what is in, and returns what of it passed, and how its connection ended.
func run(rules Rules, in []byte) (out []byte, s *session, err error) {
	s = &session{Proxy: &Proxy{Rules: rules}, subscribed: make(map[string]bool), incoming: make(chan waiting, 100), queue: make(chan waiting, 10),
		sends: buckets(rules.Sends), receives: buckets(rules.Receives), silence: func(time.Duration) {}, over: make(chan struct{})}
	var passed bytes.Buffer
	malformed := s.read(bytes.NewReader(in))
	close(s.incoming)
	for p := range s.incoming {
		if err := s.pass(p.packet, &passed); err != nil {
			return passed.Bytes(), s, err
		}
	}
	return passed.Bytes(), s, malformed
}

func TestRates(t *testing.T) { simtest.Run(t, testRates) }

func testRates(t *testing.T) {
	tests := []struct {
		name   string
		rates  []Rate
		passed int // of 30 PUBLISH packets
		after  time.Duration
		err    error
	}{
		{"messages discarded", []Rate{{Messages: 10, Beyond: Discarded}}, 10, 0, io.EOF},
		{"messages disconnected", []Rate{{Messages: 10, Beyond: Disconnected}}, 10, 0, errBroken},
		{"bytes discarded", []Rate{{Bytes: 20_000, Beyond: Discarded}}, 19, 0, io.EOF},
		{"not beyond", []Rate{{Messages: 100, Beyond: Disconnected}}, 30, 0, io.EOF},
		{"messages delayed", []Rate{{Messages: 10, Beyond: Delayed}}, 30, 2 * time.Second, io.EOF},
		{"messages discarded, bytes delayed", []Rate{{Messages: 20, Beyond: Discarded}, {Bytes: 10_100, Beyond: Delayed}}, 30, 2 * time.Second, io.EOF},
	}
	for _, test := range tests {
		start := time.Now()
		out, _, err := run(Rules{Sends: test.rates}, join(connected(30), published("topic", 30, 1000), ping))
		if !errors.Is(err, test.err) {
			t.Errorf("%s: the connection ends with %v", test.name, err)
		}
		if elapsed := time.Since(start).Truncate(100 * time.Millisecond); elapsed != test.after {
			t.Errorf("%s: it took %v, not %v", test.name, elapsed, test.after)
		}
		want := join(connected(30), published("topic", test.passed, 1000))
		if test.err == io.EOF {
			want = append(want, ping...)
		}
		if !bytes.Equal(out, want) {
			t.Errorf("%s: %d bytes passed, not the %d of %d messages", test.name, len(out), len(want), test.passed)
		}
	}
}

func TestRules(t *testing.T) {
	rules := Rules{Payload: 100, TopicLength: 10, TopicLevels: 3, PerSubscribe: 2, MinKeepAlive: 10 * time.Second, MaxKeepAlive: time.Minute}
	tests := []struct {
		name    string
		in      []byte
		allowed bool
	}{
		{"payload", published("a", 1, 100), true},
		{"payload too long", published("a", 1, 101), false},
		{"topic", published("a/b/c", 1, 1), true},
		{"topic too deep", published("a/b/c/d", 1, 1), false},
		{"topic too long", published(strings.Repeat("a", 11), 1, 1), false},
		{"filters", subscribed("a", "b"), true},
		{"too many filters", subscribed("a", "b", "c"), false},
		{"filter too deep", subscribed("a/b/c/#"), false},
		{"keep-alive", connected(10), true},
		{"keep-alive too short", connected(9), false},
		{"keep-alive too long", connected(61), false},
		{"no keep-alive", connected(0), false},
		{"nonsense", []byte{connect << 4, 1, 0}, false},
	}
	for _, test := range tests {
		out, _, err := run(rules, test.in)
		if allowed := err == io.EOF && bytes.Equal(out, test.in); allowed != test.allowed {
			t.Errorf("%s: allowed is %v: %v", test.name, allowed, err)
		}
	}
}

func TestSubscriptions(t *testing.T) {
	unsubscribed := packet{unsubscribe<<4 | 2, append([]byte{0, 8}, text("a")...)}.bytes()
	first, refused, later := subscribed("a", "b"), subscribed("c"), subscribed("c")
	out, s, err := run(Rules{Subscriptions: 2}, join(first, refused, unsubscribed, later))
	if want := join(first, unsubscribed, later); err != io.EOF || !bytes.Equal(out, want) {
		t.Errorf("%x passed, not %x: %v", out, want, err)
	}
	if answer := (<-s.queue).bytes(); !bytes.Equal(answer, []byte{0x90, 3, 0, 7, 128}) {
		t.Errorf("the refusal is %x", answer)
	}
}

func TestQueue(t *testing.T) {
	for _, ends := range []bool{false, true} {
		_, s, _ := run(Rules{Queue: 10, QueueEnds: ends}, nil)
		err := s.down(bytes.NewReader(published("topic", 30, 1)))
		if got := s.Report().Discarded; (err == errBroken) != ends || !ends && got != 20 {
			t.Errorf("full queue, which ends is %v: %d discarded, %v", ends, got, err)
		}
	}
}

func TestLine(t *testing.T) { simtest.Run(t, testLine) }

func testLine(t *testing.T) {
	_, s, _ := run(Rules{Line: 1000}, nil)
	for range 10 {
		s.queue <- waiting{packet: packet{publish << 4, make([]byte, 498)}}
	}
	start := time.Now()
	written := 0
	s.write(writer(func() {
		if written++; written == cap(s.queue) {
			close(s.over)
		}
	}))
	if elapsed := time.Since(start).Round(time.Millisecond); elapsed != 9*501*time.Millisecond-lag {
		t.Errorf("10 packets of 501 bytes took %v over a line of 1,000 a second", elapsed)
	}
}

// writer is called for each write.
type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}
