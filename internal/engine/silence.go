package engine

import (
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// peerTimeout is what texts of this file advise to raise.
const peerTimeout = setting.Field("Config.PeerTimeout")

const (
	// minSlept is the least that counts as sleep, and not as a clock that is
	// being corrected.
	minSlept = 5 * time.Second
	// minSilence is the least that is worth a word in an error: several times
	// what a CHECK takes.
	minSilence = 20 * time.Second
	// clockSample is how often the clocks are compared while packets come.
	clockSample = time.Second
)

// clocks compare the wall clock with the monotonic one, which stands still, in
// Go, while the machine sleeps.
type clocks struct {
	wall          func() time.Time
	start, atWall time.Time
}

func newClocks(wall func() time.Time) clocks {
	return clocks{wall: wall, start: time.Now(), atWall: wall().Round(0)}
}

// ahead is how far the wall clock has run ahead of the other one.
func (k *clocks) ahead(now time.Time) time.Duration {
	return k.wall().Round(0).Sub(k.atWall) - now.Sub(k.start)
}

// A silence is what this end has seen since the peer was last heard.
type silence struct {
	lasted  time.Duration // by the monotonic clock
	slept   time.Duration // how long this machine slept; 0: it did not, as far as is known
	offline time.Duration // the last time without a broker
	isDown  bool          // it is not over
}

func (c *Conn) silence(now time.Time) silence {
	t := c.peer.times.load()
	s := silence{lasted: now.Sub(t.heard)}
	if slept := c.engine.clocks.ahead(now) - t.ahead; slept >= minSlept {
		s.slept = slept
	}
	s.offline, s.isDown = c.engine.offline(t.heard, now)
	return s
}

// offline returns how long the link was down the last time, as far as that was
// after since, and whether it still is.
func (e *Engine) offline(since, now time.Time) (lasted time.Duration, isDown bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	end := e.upSince
	if end.IsZero() {
		end = now
	}
	if e.downSince.IsZero() {
		return 0, false
	}
	return max(end.Sub(latest(since, e.downSince)), 0), e.upSince.IsZero()
}

// String says for people what was seen.
func (s silence) String() string {
	text := fmt.Sprintf("nothing was heard of it for %v", rounded(s.lasted))
	if s.offline > 0 {
		text += fmt.Sprintf(", %v of that without a connection to the broker", rounded(s.offline))
	}
	if s.slept > 0 {
		text += fmt.Sprintf(", and this machine slept for %v besides (its clock jumped)", rounded(s.slept))
	}
	return text
}

// gaveUp is the error of a Conn that has waited long enough.
func (s silence) gaveUp() error {
	switch {
	case s.slept > 0:
		return peerGone("%v; raise %v at both ends to outlast that", s, peerTimeout)
	case s.isDown:
		return peerGone("%v; check the broker and the network here, or raise %v", s, peerTimeout)
	}
	return peerGone("%v; check its power and network, or raise %v", s, peerTimeout)
}

// gone is the error of a Conn that the peer's process does not know any more,
// for which it may have had the same reasons.
func (s silence) gone() error {
	if s.slept == 0 && s.lasted < minSilence {
		return peerGone("its process no longer knows this connection; dial again")
	}
	return peerGone("its process no longer knows this connection: %v; dial again, or raise %v there", s, peerTimeout)
}

// rounded leaves out what nobody wants to read.
func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d
	}
	return d.Round(time.Second)
}
