package engine

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
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
		peers:     make(map[process]*peer),
		limits:    newLimits(),
		gone:      newBucket(answerRate*len(config.Brokers), answerBurst*len(config.Brokers)),
		replays:   handshake.NewReplayCache(3*config.TimeWindow, handshake.HelloCapacity),
		links:     path.NewLinks(len(config.Brokers)),
	}
	e.life, e.end = context.WithCancel(context.Background())
	for number, broker := range config.Brokers {
		e.uplinks = append(e.uplinks, e.newUplink(uint8(number), broker))
	}
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

// Connected reports whether there is a connection to a broker.
func (e *Engine) Connected() bool { return e.links.Any() }

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
	e.ending.Store(true)
	for _, u := range e.uplinks {
		u.close(deadline)
	}
	for _, c := range conns {
		c.Discard()
	}
	return nil
}

// Stats are the counts of the Engine as a whole.
type Stats struct{ Rejected, Reconnects uint64 }

// Stats returns the counts so far.
func (e *Engine) Stats() Stats {
	stats := Stats{Rejected: e.rejected.Load()}
	for _, u := range e.uplinks {
		l := u.link.Stats()
		stats.Rejected += l.Dropped + l.Oversize
		stats.Reconnects += l.Reconnects
	}
	return stats
}
