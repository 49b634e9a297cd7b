package message

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// dialTimeout is for a Dial whose context has no deadline, as that of package mqtte2e.
const dialTimeout = 30 * time.Second

// A Session sends and receives sealed messages over one MQTT connection to each broker of its address, which it makes again whenever it
// breaks, until Close. It is safe for concurrent use.
//
// A message is sent once, with QoS 0. The broker may lose it, as it does with whatever comes while a Session is not connected: ask for
// an answer where that matters, and ask again. Where there are several brokers, a message goes to all that are connected, and what
// comes by several is received once; so two Sessions need to have one broker in common that works. They are to be separate brokers:
// the nodes of a cluster hand each message on to each other, and those copies are counted as replays.
type Session struct {
	brokers []address.Broker
	peers   []*peer // one for each key or device
	outbox  *outbox // has the links, one for each broker, in their order
	inbox   *inbox
	counts  counters

	closing sync.Once
	closed  chan struct{}
}

// Format implements fmt.Formatter: every verb prints the same, and no secret.
func (s *Session) Format(state fmt.State, verb rune) {
	separator := "message.Session{Peers: "
	for _, p := range s.peers {
		io.WriteString(state, separator+p.String())
		separator = " "
	}
	io.WriteString(state, "}")
}

// A peer is whoever holds one of the keys.
type peer struct {
	key     mqtte2e.Key
	device  string // its name, where it is of a fleet
	codec   *Codec
	publish string // the topic to send to; empty if nothing is sent
}

// String returns the device's name, or the key's fingerprint.
func (p *peer) String() string { return cmp.Or(p.device, p.key.String()) }

// Dial connects to the brokers at address and subscribes. The address is a broker URL as package mqtte2e takes it, without a name:
// mqtts://broker.example. ctx bounds the call, not the Session; without a deadline Dial gives up after 30 s. If the broker cannot be
// reached or refuses, the error wraps [mqtte2e.ErrBroker] and the cause; once Dial has succeeded, the Session keeps trying for ever.
// Of several brokers one is enough; if all fail, the error has the reason of each.
func Dial(ctx context.Context, address string, config *Config) (*Session, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	at, err := parseBrokers(address, config)
	if err != nil {
		return nil, err
	}
	s, err := newSession(at, config)
	if err != nil {
		return nil, err
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialTimeout)
		defer cancel()
	}
	if err := s.connect(ctx, config.Subscribe); err != nil {
		s.Close()
		return nil, fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, err)
	}
	return s, nil
}

// parseBrokers reads an address, and adds what config says of user and password.
func parseBrokers(text string, config *Config) (address.Address, error) {
	a, err := address.Parse(text)
	if err == nil {
		a, err = a.WithCredentials(config.Username, config.Password)
	}
	if err != nil {
		return address.Address{}, fmt.Errorf("message: %w", err)
	}
	if a.Name != "" {
		return address.Address{}, fmt.Errorf("message: the address has the name %q after #: messages have no listener, leave it out (Config.Publish and Subscribe say who is meant)", a.Name)
	}
	return a, nil
}

// newSession does no I/O.
func newSession(at address.Address, config *Config) (*Session, error) {
	peers, err := config.peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		p.codec = config.newCodec(p.key)
		if err := p.codec.prepare(); err != nil {
			return nil, err
		}
		if config.Publish != "" {
			p.publish = Topic(p.key, config.Publish)
		}
	}
	s := &Session{brokers: at.Brokers, peers: peers, closed: make(chan struct{})}
	log := cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	s.outbox = newOutbox(&s.counts.sent)
	s.inbox = newInbox(&s.counts, log)
	for _, broker := range at.Brokers {
		lane := s.outbox.addLane()
		lane.link = link.New(link.Config{
			Broker:      broker,
			TLSConfig:   config.TLSConfig,
			DialContext: config.DialContext,
			MaxPayload:  MaxPacketSize,
			Logger:      log,
		}, lane)
	}
	return s, nil
}

// Send sends message to everyone who listens under Config.Publish and the keys: as one packet for each key. It returns nil when a
// connection to a broker has taken them all, which is no proof that they arrive, and an error when the message is too long or ctx ends;
// the error says whether the message may have been sent. While the Session is not connected, Send waits. At most 64 messages wait, in
// order; with more, Send waits for a place first.
func (s *Session) Send(ctx context.Context, message []byte) error {
	return s.send(ctx, message, s.peers)
}

// SendTo is Send to those who hold one of the keys. That of a fleet's device is [mqtte2e.Key.Device] of its name, and the Key of what it
// has sent.
func (s *Session) SendTo(ctx context.Context, key mqtte2e.Key, message []byte) error {
	i := slices.IndexFunc(s.peers, func(p *peer) bool { return p.key == key })
	if i < 0 {
		return fmt.Errorf("message: not sent: the key %v is not one of Config.Keys, nor that of one of Config.Devices", key)
	}
	return s.send(ctx, message, s.peers[i:i+1])
}

func (s *Session) send(ctx context.Context, message []byte, peers []*peer) error {
	if err := s.checkSend(message); err != nil {
		return err
	}
	parts := make([]part, len(peers))
	for i, p := range peers {
		parts[i] = part{p.publish, func(room []byte) (int, error) {
			n := p.codec.packetSize(message)
			return n, p.codec.seal(room[:n], message, p.codec.now())
		}}
	}
	return s.outbox.send(ctx, parts)
}

func (s *Session) checkSend(message []byte) error {
	if s.peers[0].publish == "" {
		return fmt.Errorf("message: not sent: this Session only receives: set Config.Publish")
	}
	return checkMessage(message)
}

// Receive returns the next message that someone else sent and that is genuine, new and of the right time; the rest is counted by
// [Stats]. When ctx ends, the error wraps ctx's, and a *[TimeError] if what came last was refused for its time: then the sender's clock or
// this one is off by so much, or somebody repeats an old packet. Up to 128 messages wait for Receive; what comes when that many do is lost.
func (s *Session) Receive(ctx context.Context) (Message, error) {
	return s.inbox.receive(ctx, s.closed)
}

// Close ends the Session. Send and Receive return an error that wraps net.ErrClosed from then on.
func (s *Session) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		var links sync.WaitGroup
		for _, lane := range s.outbox.lanes {
			links.Go(func() { lane.link.Close() })
		}
		links.Wait()
		s.outbox.close()
	})
	return nil
}
