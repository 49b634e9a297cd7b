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
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A Host is where a Conn lives. Its methods are called with the Conn's lock held,
// do not block, and do not call the Conn.
type Host interface {
	Wake(own uint8, p stream.Priority)     // the Conn has something to send over this link
	Limit(own uint8) int                   // the largest payload that this link takes both ways, bytes
	Counts(own uint8) bool                 // the broker of this link seems to count messages, so that they had better be large
	Moved(from, to path.ID, reason string) // the Conn sends on another path from now on
	Proved()                               // a listener's Conn has proved the key, and may be accepted
	Check(paths path.Mask)                 // ask the peer's process whether it knows the Conn; these paths may work
	Checked()                              // that question is not open any more
	TimeWait()                             // the Conn is over, and waits for what the peer repeats
	Forget()                               // the Conn is gone
}

// Config is what a Conn is made of. Every field is set, but for RTT.
type Config struct {
	ID     [4]byte // what the logs of both ends call it
	Name   string  // the listener's
	Sealer *record.Sealer
	Opener *record.Opener

	Paths *path.Set // to the peer's process
	Path  path.ID   // that the handshake came by

	MaxPacket, PadSize int           // of a plaintext, bytes; the paths may take less
	RTT                time.Duration // see stream.Config
	Send, Receive      *stream.Budget
	Blocks             *stream.Blocks
	Ensemble           *stream.Ensemble
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
	max    int            // Config.MaxPacket
	single bool           // there is one path only, which has the number 0
	sealer stream.Sealer  // guarded by filling
	opener *record.Opener // guarded by opening
	logger *slog.Logger
	trace  tracer

	writing, reading sync.Mutex // one Write, one Read at a time, so that none is torn apart; held while it waits
	filling, opening sync.Mutex // one packet at a time each way, whichever link it goes or comes by; before mu

	mu            sync.Mutex // guards all below
	changed       sync.Cond  // something that a blocked call waits for may have happened
	stream        *stream.Stream
	life          life.Life
	route         path.Route
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
	c := &Conn{host: host, id: config.ID, name: config.Name, blocks: config.Blocks, max: config.MaxPacket, opener: config.Opener, logger: config.Logger}
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
		Ensemble:      config.Ensemble,
		Grant:         config.Grant,
	}, now)
	c.single = config.Paths.Single()
	c.route = path.NewRoute(config.Paths, config.Path, config.Life.Dialer, now)
	limit, _ := c.limits()
	c.stream.SetPath(uint8(config.Path), limit)
	if config.Life.PathUp.IsZero() {
		c.stream.NoPath()
	}
	return c
}

// Start puts the Conn to work. A dialer's first packet proves to the listener that
// the dial was no replay, and is repeated like all others. Where there are several paths
// it says which one the dialer took.
func (c *Conn) Start(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	resume := c.take(c.route.Leave(now), now) // the link may have ended since the handshake
	switch {
	case c.life.State() != life.Open:
	case c.route.Single() && !resume:
		c.stream.Ping()
	default:
		c.stream.Resume()
		c.take(c.route.Begin(now), now)
	}
	c.update(now)
}

// ID is what logs call the Conn at both ends, and LogName that in text.
func (c *Conn) ID() [4]byte     { return c.id }
func (c *Conn) LogName() string { return "peer-" + hex.EncodeToString(c.id[:]) }

// Format implements fmt.Formatter: there are keys inside.
func (c *Conn) Format(state fmt.State, _ rune) { fmt.Fprint(state, "conn.Conn{"+c.LogName()+"}") }

// Stats are the counts of a Conn so far.
type Stats struct {
	stream.Stats
	RTT      time.Duration // smoothed
	Rejected uint64        // packets for this Conn that did not authenticate
	Moves    uint64        // to another path
}

// Stats returns the counts so far.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats, rtt := c.stream.Stats()
	return Stats{stats, rtt, c.rejected, c.route.Moves()}
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
