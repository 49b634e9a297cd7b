// Package conn is one end of a connection as the application has it: a net.Conn
// around the stream, with its packets, its one timer and its errors. What it needs
// of its surroundings is Host.
package conn

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A Host is where a Conn lives. Its methods are called with the Conn's lock held,
// do not block, and do not call the Conn.
type Host interface {
	Wake(p stream.Priority) // the Conn has something to send
	Proved()                // a listener's Conn has proved the key, and may be accepted
	Check()                 // ask the peer's process whether it knows the Conn
	Checked()               // that question is not open any more
	TimeWait()              // the Conn is over, and waits for what the peer repeats
	Forget()                // the Conn is gone
}

// Config is what a Conn is made of. Every field is set, but for RTT.
type Config struct {
	ID     [4]byte // what the logs of both ends call it
	Name   string  // the listener's
	Sealer *record.Sealer
	Opener *record.Opener

	MaxPacket, PadSize int           // of a plaintext, bytes
	RTT                time.Duration // see stream.Config
	Send, Receive      *stream.Budget
	Blocks             *stream.Blocks
	Grant              func(now time.Time) (messages, bytes uint64)

	Life   life.Config
	Logger *slog.Logger
}

// A Conn is one connection. Its methods are those of net.Conn, with bare
// errors; the root package dresses them.
type Conn struct {
	host   Host
	id     [4]byte
	name   string
	blocks *stream.Blocks
	sealer stream.Sealer  // owned by the goroutine that calls Fill
	opener *record.Opener // owned by the goroutine that calls Receive
	logger *slog.Logger
	trace  tracer

	writing, reading sync.Mutex // one Write, one Read at a time, so that none is torn apart; held while it waits

	mu            sync.Mutex // guards all below
	changed       sync.Cond  // something that a blocked call waits for may have happened
	stream        *stream.Stream
	life          life.Life
	err           error // why the Conn failed; nil while it works
	violation     error // how the peer broke the protocol; nil: it did not
	readDeadline  deadline
	writeDeadline deadline
	wroteAt       time.Time // when Write last took something
	timer         *time.Timer
	timerAt       time.Time // when timer fires; zero: it does not

	oldKeysUntil time.Time // when the keys of the last epoch have to go; zero: there are none

	rejected uint64 // packets for this Conn that did not authenticate
}

// New returns a Conn that was made by a handshake right now, at rest until Start.
func New(config Config, host Host, now time.Time) *Conn {
	c := &Conn{host: host, id: config.ID, name: config.Name, blocks: config.Blocks, opener: config.Opener, logger: config.Logger}
	c.changed.L = &c.mu
	c.trace = newTracer(config.Logger, c.LogName())
	c.sealer = c.trace.sealer(config.Sealer)
	c.life = life.New(config.Life, now)
	c.stream = stream.New(stream.Config{
		MaxPacket:     config.MaxPacket,
		Overhead:      record.Overhead,
		Header:        record.HeaderSize,
		PadSize:       config.PadSize,
		Sealer:        c.sealer,
		Tracer:        c.trace.stream(),
		RTT:           config.RTT,
		FirstAnswers:  !config.Life.Dialer,
		SendBudget:    config.Send,
		ReceiveBudget: config.Receive,
		Blocks:        config.Blocks,
		Grant:         config.Grant,
	}, now)
	if config.Life.PathUp.IsZero() {
		c.stream.NoPath()
	}
	return c
}

// Start puts the Conn to work. A dialer's first packet proves to the listener that
// the dial was no replay, and is repeated like all others.
func (c *Conn) Start(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.State() == life.Open {
		c.stream.Ping()
	}
	c.update(now)
}

// ID is what logs call the Conn at both ends, and LogName that in text.
func (c *Conn) ID() [4]byte     { return c.id }
func (c *Conn) LogName() string { return "peer-" + hex.EncodeToString(c.id[:]) }

// Format implements fmt.Formatter: there are keys inside.
func (c *Conn) Format(state fmt.State, _ rune) { fmt.Fprint(state, "conn.Conn{"+c.LogName()+"}") }

// Stats returns the counts so far, the round-trip time, and how many packets
// for this Conn did not authenticate.
func (c *Conn) Stats() (stats stream.Stats, rtt time.Duration, rejected uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats, rtt = c.stream.Stats()
	return stats, rtt, c.rejected
}

// Waiting reports whether data of ours waits for the peer.
func (c *Conn) Waiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream.Status().Waiting
}

// SilentSince is since when the path is known to fail; zero: it is not known to.
func (c *Conn) SilentSince() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.SilentSince(c.stream.Status())
}
