package life

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const (
	// checkAfter is the least time that something goes unanswered before the
	// peer's process is asked whether it still knows the Conn.
	checkAfter = 3 * time.Second
	// checkTimeouts is the same in probe timeouts, for slow paths.
	checkTimeouts = 3
	// deniedWait is the least that a Conn lives on once another process said that the
	// Conn is not its own: the right one may be reconnecting.
	deniedWait = 6 * time.Second
	// asksPerTimeout is how often within PeerTimeout a silent peer is asked at
	// least, and how many silences of its peer a Conn waits that hears nothing for
	// itself: a process may have thousands of idle Conns.
	asksPerTimeout = 3
	// maxKeepAlive is the longest silence after which a peer is asked, however long
	// PeerTimeout is: with checkAfter and deniedWait, an idle Conn of a restarted
	// process ends within a minute.
	maxKeepAlive = 40 * time.Second
)

// ExpectsPeer reports whether the peer has to be there at all.
func (l *Life) ExpectsPeer(s stream.Status) bool {
	return (l.state == Open || l.state == Closing) && !s.Settled
}

// keepAlive is the silence of the peer after which it is asked for a sign of life.
func (l *Life) keepAlive() time.Duration {
	after := maxKeepAlive
	if l.config.PeerTimeout > 0 {
		after = min(after, l.config.PeerTimeout/asksPerTimeout)
	}
	if l.config.KeepAlive > 0 {
		after = min(after, l.config.KeepAlive)
	}
	return after
}

// nextLiveness is when expireLiveness has something to do.
func (l *Life) nextLiveness(s stream.Status) time.Time {
	p := l.config.Peer.load()
	next := stream.Earlier(l.checkAt(s), l.restartedAt(s, p))
	next = stream.Earlier(next, l.askAt(p))
	next = stream.Earlier(next, l.askForItselfAt(p))
	next = stream.Earlier(next, l.silentAt(p))
	return stream.Earlier(next, l.unansweredAt(s))
}

// expireLiveness does what is due.
func (l *Life) expireLiveness(s stream.Status, now time.Time) Step {
	p := l.config.Peer.load()
	step := Step{}
	switch {
	case stream.Passed(l.silentAt(p), now):
		return l.fail(Silent, now)
	case stream.Passed(l.unansweredAt(s), now):
		return l.fail(Unanswered, now)
	case stream.Passed(l.restartedAt(s, p), now):
		return l.fail(Restarted, now)
	case stream.Passed(l.askAt(p), now):
		l.config.Peer.ask(now)
		l.spoken = now
		step.Ping = true
	case stream.Passed(l.askForItselfAt(p), now):
		l.spoken = now
		step.Ping = true
	}
	if stream.Passed(l.checkAt(s), now) {
		step.Check = l.check(now)
	}
	return step
}

// silentAt is when a peer that is not heard of is given up; zero: never.
func (l *Life) silentAt(p seen) time.Time {
	if l.config.PeerTimeout == 0 {
		return time.Time{}
	}
	return p.heard.Add(l.config.PeerTimeout)
}

// askAt is when the peer is asked for a sign of life, by one of its Conns.
func (l *Life) askAt(p seen) time.Time { return latest(p.heard, p.asked).Add(l.keepAlive()) }

// askForItselfAt is when a Conn asks whose peer is heard on others only; zero: not
// before that is heard again. The Conns of a silent peer need not all ask, but for
// once before it is given up: a hello can name any inbox, so that the process that
// was asked may be another one.
func (l *Life) askForItselfAt(p seen) time.Time {
	at := l.spoken.Add(asksPerTimeout * l.keepAlive())
	if at.After(p.heard.Add(l.keepAlive())) {
		at = time.Time{}
	}
	if last := l.lastAskAt(p); l.spoken.Before(last) {
		at = stream.Earlier(at, last)
	}
	return at
}

// lastAskAt is when a silent peer has just as much time to answer as a question
// takes, or a third of PeerTimeout if that is less; zero: it is never given up.
func (l *Life) lastAskAt(p seen) time.Time {
	timeout := l.config.PeerTimeout
	if timeout == 0 {
		return time.Time{}
	}
	return p.heard.Add(timeout - min(timeout/asksPerTimeout, checkAfter+deniedWait))
}

// waitingSince is since when the peer owes an answer although a path works; zero:
// it does not, or none works.
func (l *Life) waitingSince(s stream.Status) time.Time {
	if s.Unheard.IsZero() || l.pathUp.IsZero() {
		return time.Time{}
	}
	return latest(s.Unheard, l.pathUp)
}

// unansweredAt is when a Conn ends that gets no answer although its peer's process
// lives; zero: everything was answered.
func (l *Life) unansweredAt(s stream.Status) time.Time {
	since := l.waitingSince(s)
	if since.IsZero() || l.config.PeerTimeout == 0 {
		return time.Time{}
	}
	return since.Add(l.config.PeerTimeout)
}

// checkAt is when to ask the peer's process whether it knows the Conn, or to ask
// again; zero: everything was answered.
func (l *Life) checkAt(s stream.Status) time.Time {
	since := l.waitingSince(s)
	if since.IsZero() {
		return time.Time{}
	}
	return latest(since, l.checked).Add(max(checkTimeouts*s.ProbeTimeout, checkAfter))
}

// restartedAt is when a Conn with an open question ends whose peer's process was
// restarted, as another one under its name said; zero: none did.
func (l *Life) restartedAt(s stream.Status, p seen) time.Time {
	if p.denied.IsZero() || l.checked.IsZero() {
		return time.Time{}
	}
	return p.denied.Add(max(checkTimeouts*s.ProbeTimeout, deniedWait))
}

// check opens the question whether the peer's process knows the Conn, and reports
// whether to send it: once another process has answered for one Conn, the others
// need not ask, and while one asks they send no PINGs.
func (l *Life) check(now time.Time) bool {
	l.checked = now
	l.config.Peer.ask(now)
	return l.config.Peer.load().denied.IsZero()
}

// Doubt asks the peer for a sign of life at once, because another process answers
// under its name. If check is set it asks whether the Conn is known there, too.
func (l *Life) Doubt(s stream.Status, check bool, now time.Time) Step {
	if !l.ExpectsPeer(s) {
		return Step{}
	}
	return Step{Ping: true, Check: check && l.check(now)}
}

// SilentSince is since when the path is known to fail: none is up, or the peer owes
// an answer. Zero: as far as is known it works, or the Conn was closed.
func (l *Life) SilentSince(s stream.Status) time.Time {
	switch {
	case l.closed:
		return time.Time{}
	case l.pathUp.IsZero():
		return stream.Earlier(l.pathDown, s.Unheard)
	}
	return s.Unheard
}

// A Silence is what this end has seen since the peer was last heard.
type Silence struct {
	Lasted  time.Duration // by the monotonic clock
	Slept   time.Duration // how long this machine slept; 0: it did not, as far as is known
	Offline time.Duration // the last time without a path
	Down    bool          // it is not over
}

// Silence returns what was seen until now.
func (l *Life) Silence(now time.Time) Silence {
	p := l.config.Peer.load()
	s := Silence{Lasted: now.Sub(p.heard), Slept: l.config.Peer.slept(p, now), Down: l.pathUp.IsZero()}
	if l.pathDown.IsZero() {
		return s
	}
	end := l.pathUp
	if s.Down {
		end = now
	}
	s.Offline = max(end.Sub(latest(p.heard, l.pathDown)), 0)
	return s
}
