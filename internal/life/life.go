// Package life is the life of a Conn as a pure machine: from the handshake over
// use, closing and lingering to TIME-WAIT and its end, with every deadline on the
// way. It is told what happens, has no lock, no timer and no clock of its own, and
// returns what to do.
package life

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// State is where a Conn is in its life. The names are TCP's where it has them
// (RFC 9293, 3.3.2).
//
//	HalfOpen ──first packet──▶ Open ──Close──▶ Closing ──finished──▶ TimeWait ──10 s──▶ Over
//
// A dialer's Conn begins Open. Failures lead from any state to Over, or to
// TimeWait where the peer has to hear of it.
type State uint8

const (
	HalfOpen State = iota // the listener answered; the dialer has not proved itself yet
	Open                  // in use
	Closing               // closed; what was written lingers
	TimeWait              // over, or failed; acknowledges what the peer repeats
	Over                  // forgotten; packets for it belong to nobody
)

// String names the state for a trace.
func (s State) String() string {
	return [...]string{"half-open", "open", "closing", "time-wait", "over"}[s]
}

const (
	// firstPacketWait is how long either end waits for the first packet of the other
	// after the handshake: as long as a dial lasts, since a round trip may take 20 s.
	firstPacketWait = 30 * time.Second
	// maxLinger bounds how long what was written is kept for a peer after Close, if
	// PeerTimeout is not shorter.
	maxLinger = 30 * time.Second
	// timeWaitLife is how long the end of a Conn is acknowledged again: twice the
	// longest probe timeout.
	timeWaitLife = 10 * time.Second
)

// Config is what a Life is made with.
type Config struct {
	Peer        *Peer
	PeerTimeout time.Duration // silence after which the peer is given up; 0: never
	KeepAlive   time.Duration // silence after which the Conn asks for a sign of life, if PeerTimeout asks for none before; 0: 40 s
	Dialer      bool
	PathUp      time.Time // since when a path to the peer works; zero: none does
	PathDown    time.Time // when the last one was lost; zero: none was
}

// A Life is owned by its Conn, which serialises all calls.
type Life struct {
	config Config
	state  State
	closed bool      // by the application
	until  time.Time // when the state ends by itself; zero: it does not. Open does unless the dialer hears from the listener

	spoken   time.Time // when an authenticated packet for this Conn last came, or the Conn itself last asked for one
	checked  time.Time // when the peer's process was last asked whether it knows the Conn; zero: no question is open
	pathUp   time.Time // since when a path to the peer works; zero: none does
	pathDown time.Time // when the last one was lost; zero: none was
}

// New returns the Life of a Conn that was made by a handshake right now: Open at a
// dialer, HalfOpen at a listener.
func New(config Config, now time.Time) Life {
	l := Life{config: config, until: now.Add(firstPacketWait), spoken: now, pathUp: config.PathUp, pathDown: config.PathDown}
	if config.Dialer {
		l.state = Open
	}
	return l
}

// State returns where the Conn is in its life.
func (l *Life) State() State { return l.state }

// PeerTimeout is the silence after which the peer is given up; 0: never.
func (l *Life) PeerTimeout() time.Duration { return l.config.PeerTimeout }

// Closed reports whether the application closed the Conn.
func (l *Life) Closed() bool { return l.closed }

// Done reports whether nothing lingers any more: the Conn has failed or delivered
// everything, and the application has closed it.
func (l *Life) Done() bool { return l.closed && l.state >= TimeWait }

// MaySend reports whether the stream may send packets.
func (l *Life) MaySend() bool { return l.state != HalfOpen && l.state != Over }

// Hear takes note of an authenticated packet: the peer's process lives, and a
// half-open Conn has proved the key. One that is about paths only answers nothing.
func (l *Life) Hear(ofPaths bool, now time.Time) Step {
	step := Step{}
	l.config.Peer.Hear(now)
	if !ofPaths {
		step.Heard = !l.checked.IsZero()
		l.spoken, l.checked = latest(l.spoken, now), time.Time{}
	}
	if l.state <= Open {
		step.Proved = l.state == HalfOpen
		l.state, l.until = Open, time.Time{}
	}
	return step
}

// Close is the application's.
func (l *Life) Close(now time.Time) Step {
	l.closed = true
	switch l.state {
	case HalfOpen:
		return l.enter(Over, Step{}, now)
	case Open:
		l.state, l.until = Closing, now.Add(l.linger())
		return Step{Close: true}
	}
	return Step{}
}

func (l *Life) linger() time.Duration {
	if t := l.config.PeerTimeout; t > 0 {
		return min(t, maxLinger)
	}
	return maxLinger
}

// Abort is Close without delivering what is left: it gives the stream up, and tells
// the peer.
func (l *Life) Abort(code Code, now time.Time) Step {
	l.closed = true
	return l.giveUp(Aborted, code, now)
}

// Violated gives the stream up because the peer broke the protocol.
func (l *Life) Violated(now time.Time) Step { return l.giveUp(Violation, CodeProtocol, now) }

// Revoke gives the stream up because the Conn's key is not served any more.
func (l *Life) Revoke(now time.Time) Step {
	if l.state == HalfOpen {
		return l.enter(Over, Step{}, now)
	}
	return l.giveUp(Revoked, CodeRevoked, now)
}

func (l *Life) giveUp(why Failure, code Code, now time.Time) Step {
	if l.state >= TimeWait {
		return Step{}
	}
	return l.enter(TimeWait, Step{Fail: why, Reset: code}, now)
}

// Forget ends the Life without a word to the peer.
func (l *Life) Forget(now time.Time) Step {
	l.closed = true
	step := Step{}
	if l.state < TimeWait {
		step.Fail = Aborted
	}
	return l.enter(Over, step, now)
}

// Leave ends TIME-WAIT early.
func (l *Life) Leave(now time.Time) Step {
	if l.state != TimeWait {
		return Step{}
	}
	return l.enter(Over, Step{}, now)
}

// Gone takes in the peer's process's word that it does not know the Conn.
func (l *Life) Gone(s stream.Status, now time.Time) Step {
	if !l.ExpectsPeer(s) {
		return Step{}
	}
	return l.fail(Forgotten, now)
}

// Update follows every event: a Conn that needs nothing more of its peer ends.
func (l *Life) Update(s stream.Status, now time.Time) Step {
	switch {
	case s.WasReset && l.state < TimeWait:
		return l.enter(TimeWait, Step{Fail: PeerReset}, now)
	case s.Finished && l.state == Closing:
		return l.enter(TimeWait, Step{}, now)
	}
	return Step{}
}

// fail ends the Life: the peer cannot be told.
func (l *Life) fail(why Failure, now time.Time) Step {
	return l.enter(Over, Step{Fail: why, Drop: true}, now)
}

// enter completes a step with the state that begins.
func (l *Life) enter(state State, step Step, now time.Time) Step {
	if state <= l.state {
		return step
	}
	l.state, step.Enter = state, state
	l.until = time.Time{}
	if state == TimeWait {
		l.until = now.Add(timeWaitLife)
	}
	step.Heard = step.Heard || !l.checked.IsZero()
	l.checked = time.Time{}
	return step
}

// PathUp takes note that a path to the peer works. Another one beside it changes
// nothing.
func (l *Life) PathUp(now time.Time) {
	if l.pathUp.IsZero() {
		l.pathUp = now
	}
}

// NoPath takes note that none works any more: silence says nothing from now on.
func (l *Life) NoPath(now time.Time) Step {
	if l.pathUp.IsZero() {
		return Step{}
	}
	step := Step{Heard: !l.checked.IsZero()}
	l.pathUp, l.pathDown, l.checked = time.Time{}, now, time.Time{}
	l.config.Peer.doubt()
	return step
}

// Deadline is when Expire has to be called; zero: not until something happens.
func (l *Life) Deadline(s stream.Status) time.Time {
	if !l.ExpectsPeer(s) {
		return l.until
	}
	return stream.Earlier(l.until, l.nextLiveness(s))
}

// Expire does what is due at now.
func (l *Life) Expire(s stream.Status, now time.Time) Step {
	switch {
	case stream.Passed(l.until, now):
		return l.expireState(now)
	case l.ExpectsPeer(s):
		return l.expireLiveness(s, now)
	}
	return Step{}
}

// expireState ends a state that has lasted long enough.
func (l *Life) expireState(now time.Time) Step {
	switch l.state {
	case Open:
		return l.fail(Unconfirmed, now)
	case Closing:
		return l.giveUp(Lingered, CodeLinger, now)
	}
	return l.enter(Over, Step{}, now)
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
