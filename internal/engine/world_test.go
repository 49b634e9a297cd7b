package engine

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// testName is the listener's name in tests that need one only.
const testName = "lamp"

// A world is an embedded broker with a tap inside, for Engines in virtual
// time. Nothing takes time in it that does not wait.
type world struct {
	t      *testing.T
	broker *simtest.EmbeddedBroker
	key    [16]byte

	cables  map[*Engine]*cable
	inboxes sync.Map // Engines by the topic of their inbox

	mu   sync.Mutex
	rule rule      // nil: every message passes as it is
	keep bool      // whether to log
	log  []message // what the broker was sent, before the rule
}

// A message is what the broker saw of a PUBLISH.
type message struct {
	at      time.Time
	topic   string
	payload []byte
}

// A rule decides what the broker makes of a message. It is called with the
// world's lock held, one message at a time.
type rule func(m message) (payload []byte, pass bool)

func refuse(message) ([]byte, bool)    { return nil, false }
func (m message) isTo(t string) bool   { return m.topic == t }
func (m message) copy() message        { m.payload = bytes.Clone(m.payload); return m }
func (w *world) root() *handshake.Root { return handshake.NewRoot(w.key, "") }

// newWorld must be called inside simtest.Run.
func newWorld(t *testing.T, config ...broker.Config) *world {
	t.Helper()
	w := &world{t: t, key: [16]byte{1, 2, 3}, cables: make(map[*Engine]*cable)}
	c := append(config, broker.Config{})[0]
	c.Publish = w.publish
	w.broker = simtest.Broker(t, c)
	return w
}

// publish is the broker's hook.
func (w *world) publish(topic string, payload []byte) ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := message{time.Now(), topic, payload}
	if w.keep {
		w.log = append(w.log, m.copy())
	}
	if w.rule == nil {
		return payload, true
	}
	return w.rule(m)
}

// set replaces the rule.
func (w *world) set(r rule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = r
}

// record starts a new log.
func (w *world) record() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep, w.log = true, nil
}

// recorded returns the log so far.
func (w *world) recorded() []message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

// envelope returns what stands in a handshake message to name or to an inbox,
// and nil for a packet.
func (w *world) envelope(m message) handshake.Message {
	name := w.root().Name(testName)
	envelope := new(handshake.EnvelopeKey)
	if e, ok := w.inboxes.Load(m.topic); ok {
		envelope = e.(*Engine).key
	}
	switch m.topic {
	case handshake.Topic("", name.Rendezvous):
		envelope = name.HelloKey()
	}
	opened, err := envelope.Open(m.payload)
	if err != nil {
		return nil
	}
	return opened
}

// config is an Engine's configuration with the defaults of the root package.
func (w *world) config() Config {
	return Config{
		Key:            w.key,
		PadSize:        50,
		TimeWindow:     10 * time.Second,
		MaxMessageSize: 60 << 10,
		PeerTimeout:    2 * time.Minute,
		Link:           link.Config{DialContext: w.broker.DialContext},
		Brokers:        []address.Broker{{Scheme: "mqtt", Host: "broker.test:1883"}},
		Logger:         slog.New(slog.DiscardHandler),
		wall:           time.Now,
		epochBits:      record.EpochBits,
	}
}

// engine returns an Engine that is closed with the test.
func (w *world) engine(change ...func(*Config)) *Engine {
	config := w.config()
	for _, f := range change {
		if f != nil {
			f(&config)
		}
	}
	c := &cable{dial: config.Link.DialContext}
	config.Link.DialContext = c.DialContext
	e := New(config)
	w.cables[e] = c
	w.inboxes.Store(e.uplinks[0].topic, e)
	w.t.Cleanup(func() { e.Close() })
	return e
}

// listen makes a Listener for testName.
func (w *world) listen(e *Engine, protocols ...string) *Listener {
	w.t.Helper()
	return w.listenTo(e, testName, protocols...)
}

func (w *world) listenTo(e *Engine, name string, protocols ...string) *Listener {
	w.t.Helper()
	l, err := e.Listen(context.Background(), name, protocols)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// dial connects to testName.
func (w *world) dial(e *Engine) *Conn {
	w.t.Helper()
	return w.dialTo(e, testName)
}

func (w *world) dialTo(e *Engine, name string) *Conn {
	w.t.Helper()
	c, err := e.Dial(context.Background(), name, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// connect returns both ends of a new Conn.
func (w *world) connect(dialer *Engine, l *Listener) (dialed, accepted *Conn) {
	w.t.Helper()
	dialed = w.dialTo(dialer, l.Name())
	accepted, err := l.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	return dialed, accepted
}

// pair returns two Engines and both ends of a Conn between them.
func (w *world) pair(change ...func(*Config)) (dialed, accepted *Conn) {
	w.t.Helper()
	return w.connect(w.engine(change...), w.listen(w.engine(change...)))
}

// exchange sends a few bytes both ways.
func (w *world) exchange(a, b *Conn) {
	w.t.Helper()
	for _, way := range [][2]*Conn{{a, b}, {b, a}} {
		want := []byte("over and out")
		if _, err := way[0].Write(want); err != nil {
			w.t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(way[1], got); err != nil || !bytes.Equal(got, want) {
			w.t.Fatalf("read %q, %v", got, err)
		}
	}
}

// contextFor ends after so long.
func contextFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// only returns the one rendezvous of a Listener, and topic its topic.
func (l *Listener) only() *rendezvous {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rendezvous {
		return r
	}
	return nil
}

func (l *Listener) topic() string { return l.only().topic }
