package mux

import (
	"cmp"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

const (
	// defaultSessions is for machines that dial, one session each.
	defaultSessions = 256

	// defaultStreams lets one session alone have half, maxStreams. At 256 KiB each a
	// peer that is not read makes 128 MiB of them.
	defaultStreams = 2 * maxStreams

	// defaultIdle is longer than the pauses of a program that is in use.
	defaultIdle = time.Hour

	// maxRefusing is how many peers are told at once why they are refused; more are
	// just reset. Each may take grace to read it.
	maxRefusing = 16
)

// Limits bound what peers can make a program hold, in all sessions that are made
// with one Limits. Peers are told apart by Conn.Key; connections of other kinds
// count as one peer. All keys together may have twice as much as one key, of which
// none gets more than is left: what one holder of a key takes, others still find.
//
// The zero Limits has the defaults. Set fields before first use, and do not copy a
// Limits after it.
type Limits struct {
	// MaxSessions is how many sessions there may be under one key. 0: 256.
	MaxSessions int

	// MaxStreams is how many streams there may be in all sessions under one key,
	// whichever end opened them, of which no session gets more than is left.
	// 0: 512. Each can hold 256 KiB and more: see the package comment.
	MaxStreams int

	// IdleTimeout is how long a session may have no stream. 0: an hour. Negative:
	// for ever.
	IdleTimeout time.Duration

	once     sync.Once
	sessions *quota
	streams  *quota
	windows  *quota        // by how many bytes windows exceed initialWindow
	refusing chan struct{} // a token for each peer that is told why it is refused
}

func (l *Limits) begin() {
	l.once.Do(func() {
		l.sessions = newQuota(cmp.Or(l.MaxSessions, defaultSessions))
		l.streams = newQuota(cmp.Or(l.MaxStreams, defaultStreams))
		l.windows = newQuota(windowBudget)
		l.refusing = make(chan struct{}, maxRefusing)
	})
}

// Server is as the function Server, within the Limits. It fails if the peer has
// as many sessions as it may: conn is closed then, after the peer was told.
func (l *Limits) Server(conn net.Conn) (*Session, error) {
	if conn == nil {
		return nil, errNoConn
	}
	l.begin()
	key := keyOf(conn)
	b := bounds{l.sessions.of(key), l.streams.ofSession(key), l.windows.of(key), l.patience()}
	if !b.sessions.take(1) {
		l.refuse(conn)
		return nil, errTooManySessions
	}
	return newSession(conn, false, b), nil
}

// bounds are those of one session.
type bounds struct {
	sessions, streams, windows share
	patience                   time.Duration // without streams
}

// Plain counts a Conn that carries no session as one with one stream, for
// programs that serve such Conns too. If it does not fail, release must be called
// when the Conn is done with; if it fails, conn is left to the caller.
func (l *Limits) Plain(conn net.Conn) (release func(), err error) {
	l.begin()
	key := keyOf(conn)
	sessions, streams := l.sessions.of(key), l.streams.of(key)
	if !sessions.take(1) {
		return nil, errTooManySessions
	}
	if !streams.take(1) {
		sessions.give(1)
		return nil, errTooManyStreams
	}
	return func() {
		streams.give(1)
		sessions.give(1)
	}, nil
}

// patience is how long a session may have no stream.
func (l *Limits) patience() time.Duration {
	if l.IdleTimeout < 0 {
		return math.MaxInt64
	}
	return cmp.Or(l.IdleTimeout, defaultIdle)
}

// NewListener is as the function NewListener, within the Limits.
func (l *Limits) NewListener(inner net.Listener) *Listener { return newListener(inner, l) }

// keyOf returns the key of a Conn, the zero Key for other connections.
func keyOf(conn net.Conn) (key mqtte2e.Key) {
	if c, ok := conn.(interface{ Key() mqtte2e.Key }); ok {
		key = c.Key()
	}
	return key
}

// refuse closes a connection for which there is no session.
func (l *Limits) refuse(conn net.Conn) {
	select {
	case l.refusing <- struct{}{}:
	default:
		giveUp(conn)
		return
	}
	go func() {
		defer func() { <-l.refusing }()
		defer giveUp(conn)
		frame := fullFrame()
		conn.SetDeadline(time.Now().Add(grace))
		if _, err := conn.Write(frame[:]); err == nil {
			io.Copy(io.Discard, conn) // until the peer has read it
		}
	}()
}

// giveUp closes conn without waiting for what was written to arrive.
func giveUp(conn net.Conn) {
	if c, ok := conn.(interface{ Reset() error }); ok {
		c.Reset()
	}
	conn.Close()
}
