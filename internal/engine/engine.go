package engine

import (
	"context"
	"crypto/rand"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
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

// New returns an Engine that does nothing yet.
func New(config Config) *Engine {
	if config.wall == nil {
		config.wall = time.Now
	}
	if config.epochBits == 0 {
		config.epochBits = record.EpochBits
	}
	inbox, tokens := newInbox()
	e := &Engine{
		config:    config,
		root:      handshake.NewRoot(config.Key, config.TopicPrefix),
		inbox:     inbox,
		tokens:    tokens,
		key:       inbox.Key(),
		mask:      record.NewMask(inbox.MaskKey()),
		topic:     inbox.Topic(config.TopicPrefix, 0),
		send:      stream.NewBudget(bufferBudget),
		receive:   stream.NewBudget(bufferBudget),
		blocks:    stream.NewBlocks(config.MaxMessageSize - record.Overhead),
		clock:     life.NewClock(config.wall, time.Now()),
		conns:     make(map[[8]byte]*Conn),
		dials:     make(map[[8]byte]*dial),
		probes:    make(map[[8]byte]chan<- time.Time),
		checks:    make(map[[8]byte]*Conn),
		names:     make(map[string]*name),
		listeners: make(map[string]*Listener),
		peers:     make(map[handshake.Inbox]*peer),
		limits:    newLimits(),
		gone:      newBucket(answerRate, answerBurst),
		replays:   handshake.NewReplayCache(3*config.TimeWindow, handshake.HelloCapacity),

		subscribing: make(chan struct{}, 1),
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.queue.init()
	config.Link.Broker = config.Brokers[0]
	config.Link.MaxPayload = config.MaxMessageSize
	config.Link.Logger = config.Logger
	e.link = link.New(config.Link, e)
	e.later = time.AfterFunc(0, e.link.Wake)
	e.later.Stop()
	return e
}

// newInbox draws what the process is known by.
func newInbox() (handshake.Inbox, handshake.TokenSecret) {
	inbox, err := handshake.NewInbox(rand.Reader)
	tokens, err2 := handshake.NewTokenSecret(rand.Reader)
	if err != nil || err2 != nil {
		panic("BUG: crypto/rand failed, which it never does")
	}
	return inbox, tokens
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
	return &Error{Kind: ErrBroker, Cause: err, Text: err.Error()}
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
		c.BeginClose()
	}
	for _, c := range conns {
		c.WaitDone(deadline)
	}
	if e.link.IsUp() {
		e.queue.drain(deadline)
	}
	e.later.Stop()
	err := e.link.Close()
	for _, c := range conns {
		c.Discard()
	}
	return err
}

// Stats are the counts of the Engine as a whole.
type Stats struct{ Rejected, Reconnects uint64 }

// Stats returns the counts so far.
func (e *Engine) Stats() Stats {
	l := e.link.Stats()
	return Stats{Rejected: e.rejected.Load() + l.Dropped + l.Oversize, Reconnects: l.Reconnects}
}
