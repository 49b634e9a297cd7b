package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// Config is the resolved configuration of an Engine. Every exported field is set.
type Config struct {
	Key            [16]byte
	Fleet          bool          // Key is a fleet's: each name has a key of its own, derived from it
	PadSize        int           // shortest plaintext of a packet, bytes; 0: no padding
	TimeWindow     time.Duration // how far a hello's time may be off
	MaxMessageSize int           // largest MQTT payload, bytes
	PeerTimeout    time.Duration // silence after which a peer is given up; 0: never
	TopicPrefix    string
	Brokers        []address.Broker // at least one, all different
	Link           link.Config      // but for the broker
	Logger         *slog.Logger

	wall      func() time.Time // the time of day that hellos carry, which goes on while the machine sleeps; nil: time.Now
	epochBits uint             // 0: record.EpochBits
}

// Format implements fmt.Formatter: no verb prints the key.
func (c Config) Format(state fmt.State, _ rune) {
	fmt.Fprintf(state, "engine.Config{%v}", c.Brokers)
}

// Format implements fmt.Formatter: in an unexported field Config cannot hide the
// key from package fmt.
func (e *Engine) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "engine.Engine{%v}", e.config) }

// An Engine is a process's links to its brokers, with its Conns and Listeners.
type Engine struct {
	config  Config
	uplinks []*uplink // one for each broker, in the order of the address
	links   *path.Links

	persisting sync.Once   // all links were told to go on trying
	ending     atomic.Bool // Close ends the links: nothing moves any more

	root    *handshake.Root        // of Config.Key
	inbox   handshake.Inbox        // what others write to us under
	tokens  handshake.TokenSecret  // show that a CHECK reached us
	key     *handshake.EnvelopeKey // of the inbox
	active  activity
	send    *stream.Budget
	receive *stream.Budget
	blocks  *stream.Blocks // for packets of about MaxMessageSize, up to 64 KiB
	clock   *life.Clock

	rejected atomic.Uint64 // messages that belong to no Conn and did not authenticate

	life context.Context // ends with Close
	end  context.CancelFunc

	mu        sync.RWMutex // guards all below
	conns     map[[8]byte]*Conn
	dials     map[[8]byte]*dial
	probes    map[[8]byte]chan<- time.Time
	checks    map[[8]byte]*Conn
	names     map[string]*name
	listeners map[string]*Listener
	peers     map[process]*peer
	timeWait  []*Conn // in TIME-WAIT, oldest first; at most maxTimeWait, then the oldest goes
	closed    bool

	handshaking sync.Mutex // one handshake message at a time, whichever link it comes by; before every other lock. Guards all below
	limits      limits
	gone        *bucket // of answers to what comes to the inbox
	replays     *handshake.ReplayCache
}

func (e *Engine) isClosed() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.closed
}

// A name is what is derived from a listener's name and its key, and what is known of
// it.
type name struct {
	*handshake.Name
	text   string
	key    [16]byte
	offset time.Duration // what to add to our clock so that a hello arrives in time; guarded by Engine.mu
}

// Format implements fmt.Formatter: there is a key inside.
func (n *name) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "engine.name{%q}", n.text) }

// name returns a name under the key of the configuration, derived once: names that
// were dialled or listened to, so their number is the application's choice.
func (e *Engine) name(text string) *name {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.names[text] == nil {
		key := e.config.Key
		if e.config.Fleet {
			key = e.root.Device(text)
		}
		e.names[text] = e.newName(text, key)
	}
	return e.names[text]
}

// newName derives a name under any key.
func (e *Engine) newName(text string, key [16]byte) *name {
	return &name{Name: handshake.NewRoot(key, e.config.TopicPrefix).Name(text), text: text, key: key}
}

// sealed makes a handshake message ready for the queue.
func (e *Engine) sealed(topic string, key *handshake.EnvelopeKey, m handshake.Message) envelope {
	payload, err := key.Seal(rand.Reader, m)
	if err != nil {
		panic(fmt.Sprintf("BUG: sealing a handshake message: %v", err))
	}
	return envelope{topic, payload}
}

// toName sends a message to whoever listens under a name, over every link that is up. It says over which, so
// that the answer comes by the same broker.
func (e *Engine) toName(n *name, message func(link uint8) handshake.Message) {
	for _, u := range e.uplinks {
		if e.links.IsUp(u.number) {
			u.toName(n, message(u.number))
		}
	}
}

// toProcess sends a message to a process by paths whose link is up here.
func (e *Engine) toProcess(inbox handshake.Inbox, paths path.Mask, message func(link uint8) handshake.Message) {
	for paths != 0 {
		p, _ := paths.First()
		paths = paths.Without(p)
		if e.links.IsUp(p.Own()) {
			e.uplinks[p.Own()].toInbox(inbox, p.Peer(), message(p.Own()))
		}
	}
}

// grant is what a Conn's peer may have in flight towards our inbox.
func (e *Engine) grant(now time.Time) (messages, bytes uint64) {
	return e.active.grant(now, e.config.MaxMessageSize)
}

// messageSize is what a handshake tells of the largest message that is taken: on the link where that is
// most. What the others take is told with each path (SPEC.md, "PATH_CHALLENGE and PATH_RESPONSE").
func (e *Engine) messageSize() (size int) {
	for _, u := range e.uplinks {
		size = max(size, u.messageSize())
	}
	return size
}

// conn returns the Conn that packets with this id belong to, nil if none.
func (e *Engine) conn(id [8]byte) *Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.conns[id]
}

// connsWhere returns the Conns that fulfil a condition.
func (e *Engine) connsWhere(fulfil func(c *Conn) bool) []*Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list []*Conn
	for _, c := range e.conns {
		if fulfil(c) {
			list = append(list, c)
		}
	}
	return list
}

func values[K comparable, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}
