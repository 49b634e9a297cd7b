package link

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// testMaxPayload is the largest payload in tests that do not say otherwise, bytes.
const testMaxPayload = 60 << 10

// testSource is a Source with a queue of messages, which notes what it is told.
type testSource struct {
	mu    sync.Mutex
	queue []testMessage
	ups   []time.Time
	downs []time.Time
	down  chan struct{} // has a token for each Down
}

type testMessage struct {
	topic   string
	payload []byte
}

func (s *testSource) Fill(batch *Batch, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && !batch.Full() {
		batch.Commit(copy(batch.Publish(s.queue[0].topic), s.queue[0].payload))
		s.queue = s.queue[1:]
	}
}

func (s *testSource) Up(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ups = append(s.ups, now)
}

func (s *testSource) Down(now time.Time, _ bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.downs = append(s.downs, now)
	s.down <- struct{}{}
}

// counts returns how often Up and Down were called.
func (s *testSource) counts() (ups, downs int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ups), len(s.downs)
}

// testLink is a Link with its testSource, and the payloads that it received.
type testLink struct {
	*Link
	source   *testSource
	received chan testMessage
}

// newTestLink returns a link that closes with the test.
func newTestLink(t testing.TB, address address.Broker, dial dialFunc) *testLink {
	t.Helper()
	l := &testLink{source: &testSource{down: make(chan struct{}, 100)}, received: make(chan testMessage, 10_000)}
	l.Link = New(Config{
		Broker:      address,
		DialContext: dial,
		MaxPayload:  testMaxPayload,
		Logger:      slog.New(slog.DiscardHandler),
	}, l.source)
	l.Link.backoff.jitter = func() float64 { return 0 }
	t.Cleanup(func() { l.Close() })
	return l
}

// handle is a Handler that keeps a copy.
func (l *testLink) handle(topic, payload []byte, _ time.Time) {
	l.received <- testMessage{string(topic), bytes.Clone(payload)}
}

// publish publishes from the source.
func (l *testLink) publish(topic string, payloads ...string) {
	l.source.mu.Lock()
	for _, payload := range payloads {
		l.source.queue = append(l.source.queue, testMessage{topic, []byte(payload)})
	}
	l.source.mu.Unlock()
	l.Wake()
}

// mustConnect fails the test if the link does not come up.
func (l *testLink) mustConnect(t testing.TB) {
	t.Helper()
	if err := l.Connect(context.Background()); err != nil {
		t.Fatalf("Connect: %v", err)
	}
}

func (l *testLink) mustSubscribe(t testing.TB, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if err := l.Subscribe(context.Background(), topic, l.handle); err != nil {
			t.Fatalf("Subscribe: %v", err)
		}
	}
}

// want fails the test if the next message is another.
func (l *testLink) want(t testing.TB, topic, payload string) {
	t.Helper()
	select {
	case got := <-l.received:
		if got.topic != topic || string(got.payload) != payload {
			t.Fatalf("received %.40q on %q, want %.40q on %q", got.payload, got.topic, payload, topic)
		}
	case <-time.After(time.Minute):
		t.Fatalf("nothing received; want %.40q on %q", payload, topic)
	}
}

// testAddress is an address to go with a DialContext that does not look at it.
var testAddress = address.Broker{Scheme: "mqtt", Host: "broker.test:1883"}

// dialTo returns a DialContext that hands out conns one after the other.
func dialTo(conns ...net.Conn) dialFunc {
	var mu sync.Mutex
	return func(context.Context, string, string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(conns) == 0 {
			return nil, net.UnknownNetworkError("no connection left in the test")
		}
		conn := conns[0]
		conns = conns[1:]
		return conn, nil
	}
}
