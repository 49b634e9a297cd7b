package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const (
	// bufferBudget is what the Conns of an Engine together may buffer in one
	// direction beyond the 64 KiB that each always has, bytes. The memory that
	// takes may be larger by a quarter, since it comes in pieces.
	bufferBudget = 64 << 20
	// closeWait is how long Close waits for what lingers.
	closeWait = 5 * time.Second
)

// Config is the resolved configuration of an Engine. Every field is set.
type Config struct {
	Key            [16]byte
	PadSize        int           // shortest plaintext of a packet, bytes; 0: no padding
	TimeWindow     time.Duration // how far a hello's time may be off
	MaxMessageSize int           // largest MQTT payload, bytes
	PeerTimeout    time.Duration // silence after which a peer is given up; 0: never
	TopicPrefix    string
	Link           link.Config
	Logger         *slog.Logger
	// Wall tells the time of day that hellos carry, and which goes on while the
	// machine sleeps. Tests set it wrong.
	Wall func() time.Time
	// EpochBits is record.EpochBits, smaller in tests.
	EpochBits uint
}

// Format implements fmt.Formatter: no verb prints the key.
func (c Config) Format(state fmt.State, _ rune) {
	fmt.Fprintf(state, "engine.Config{%v}", c.Link.Address)
}

// Format implements fmt.Formatter: in an unexported field Config cannot hide the
// key from package fmt.
func (e *Engine) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "engine.Engine{%v}", e.config) }

// An Engine is one MQTT connection with its Conns and Listeners.
type Engine struct {
	config Config
	link   *link.Link
	root   *handshake.Root
	mask   *record.Mask
	inbox  [16]byte
	topic  string // of the inbox
	queue  queue
	active activity
	// allowance bounds what is published, and allowed wakes the writer when more may go.
	allowance allowance
	allowed   *time.Timer
	send      *stream.Budget
	receive   *stream.Budget
	blocks    *stream.Blocks // for packets of about MaxMessageSize, up to 64 KiB
	clocks    clocks

	// chores tells the writer that Conns wait to resume or tombstones to go.
	chores atomic.Bool

	rejected atomic.Uint64 // messages that belong to no Conn and did not authenticate

	life context.Context // ends with Close
	end  context.CancelFunc

	subscribing chan struct{} // of capacity one; a token serialises the first subscription of the inbox
	subscribed  bool          // belongs to who has the token

	mu        sync.RWMutex // guards all below
	conns     map[[8]byte]*Conn
	dials     map[[8]byte]*dial
	probes    map[[8]byte]chan<- time.Time
	checks    map[[8]byte]*Conn
	names     map[string]*handshake.Name
	listeners map[string]*Listener
	peers     map[[16]byte]*peer
	graves    []*Conn // tombstones, oldest first; at most maxTombstones, then the oldest goes
	resumes   resumes
	offset    time.Duration // what to add to our clock for the listeners' time
	upSince   time.Time     // zero while the link is down
	lastUp    time.Time     // when it last came up
	downSince time.Time     // when it last went down; zero: it never did
	closed    bool

	limits  limits                 // owned by the reader goroutine
	replays *handshake.ReplayCache // owned by the reader goroutine
}

// New returns an Engine that does nothing yet.
func New(config Config) *Engine {
	root := handshake.NewRoot(config.Key, config.TopicPrefix)
	e := &Engine{
		config:    config,
		root:      root,
		mask:      record.NewMask(root.MaskKey()),
		send:      stream.NewBudget(bufferBudget),
		receive:   stream.NewBudget(bufferBudget),
		blocks:    stream.NewBlocks(config.MaxMessageSize - overhead),
		clocks:    newClocks(config.Wall),
		conns:     make(map[[8]byte]*Conn),
		dials:     make(map[[8]byte]*dial),
		probes:    make(map[[8]byte]chan<- time.Time),
		checks:    make(map[[8]byte]*Conn),
		names:     make(map[string]*handshake.Name),
		listeners: make(map[string]*Listener),
		peers:     make(map[[16]byte]*peer),
		limits:    newLimits(),
		replays:   handshake.NewReplayCache(handshake.HelloCapacity),

		subscribing: make(chan struct{}, 1),
	}
	e.life, e.end = context.WithCancel(context.Background())
	rand.Read(e.inbox[:])
	e.topic = handshake.Topic(config.TopicPrefix, e.inbox)
	e.queue.init()
	config.Link.MaxPayload = config.MaxMessageSize
	config.Link.Logger = config.Logger
	e.link = link.New(config.Link, e)
	e.allowed = time.AfterFunc(0, e.link.Wake)
	e.allowed.Stop()
	return e
}

// start connects the link, if it is not up, and subscribes the inbox.
func (e *Engine) start(ctx context.Context) error {
	if e.isClosed() {
		return net.ErrClosed
	}
	if err := e.link.Connect(ctx); err != nil {
		return e.brokerError(err)
	}
	select {
	case e.subscribing <- struct{}{}:
	case <-ctx.Done():
		return e.brokerError(ctx.Err())
	}
	defer func() { <-e.subscribing }()
	if e.subscribed {
		return nil
	}
	if err := e.link.Subscribe(ctx, e.topic, e.receiveInbox); err != nil {
		return e.brokerError(err)
	}
	e.subscribed = true
	return nil
}

// Connected reports whether there is a connection to the broker.
func (e *Engine) Connected() bool { return e.link.IsUp() }

func (e *Engine) brokerError(err error) error {
	if e.isClosed() {
		return net.ErrClosed
	}
	return &Error{ErrBroker, err, err.Error()}
}

func (e *Engine) isClosed() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.closed
}

// name returns the keys of a name, derived once: names that were dialled or
// listened to, so their number is the application's choice.
func (e *Engine) name(name string) *handshake.Name {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.names[name] == nil {
		e.names[name] = e.root.Name(name)
	}
	return e.names[name]
}

// sealed makes a handshake message ready for the queue.
func (e *Engine) sealed(topic string, key *handshake.EnvelopeKey, m handshake.Message) envelope {
	payload, err := key.Seal(rand.Reader, m)
	if err != nil {
		panic(fmt.Sprintf("BUG: sealing a handshake message: %v", err))
	}
	return envelope{topic, payload}
}

// toInbox sends a message to a process.
func (e *Engine) toInbox(inbox [16]byte, m handshake.Message) {
	e.queue.push(e.sealed(handshake.Topic(e.config.TopicPrefix, inbox), e.root.InboxKey(), m))
	e.link.Wake()
}

// reply sends a process an answer that a replayed message may have asked for.
func (e *Engine) reply(inbox [16]byte, m handshake.Message) {
	e.queue.pushReply(e.sealed(handshake.Topic(e.config.TopicPrefix, inbox), e.root.InboxKey(), m))
	e.link.Wake()
}

// toName sends a message to whoever listens under a name.
func (e *Engine) toName(n *handshake.Name, m handshake.Message) {
	e.queue.push(e.sealed(handshake.Topic(e.config.TopicPrefix, n.Rendezvous), n.HelloKey(), m))
	e.link.Wake()
}

// Close ends the Listeners and Conns, waits up to 5 s for what lingers, and
// ends the link.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	listeners, conns := values(e.listeners), values(e.conns)
	e.mu.Unlock()
	e.end()
	for _, l := range listeners {
		l.Close()
	}
	deadline := time.Now().Add(closeWait)
	for _, c := range conns {
		c.beginClose()
	}
	for _, c := range conns {
		c.waitDone(deadline)
	}
	if e.link.IsUp() {
		e.queue.drain(deadline)
	}
	e.allowed.Stop()
	err := e.link.Close()
	for _, c := range conns {
		c.discard()
	}
	return err
}

func values[K comparable, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// Stats are the counts of the Engine as a whole.
type Stats struct{ Rejected, Reconnects uint64 }

// Stats returns the counts so far.
func (e *Engine) Stats() Stats {
	l := e.link.Stats()
	return Stats{Rejected: e.rejected.Load() + l.Dropped + l.Oversize, Reconnects: l.Reconnects}
}
