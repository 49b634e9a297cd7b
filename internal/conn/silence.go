package conn

import (
	"fmt"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// peerTimeout is what texts of this file advise to raise.
const peerTimeout = setting.Field("Config.PeerTimeout")

// minSilence is the least that is worth a word in an error: several times
// what a CHECK takes.
const minSilence = 20 * time.Second

// failure says why the Conn failed.
func (c *Conn) failure(why life.Failure, now time.Time) error {
	silence := c.life.Silence(now)
	switch why {
	case life.Unconfirmed:
		return &Error{Kind: ErrNoAnswer, Text: fmt.Sprintf("as %q: its listener answered the handshake but not the first packet; check its network", c.name)}
	case life.Lingered:
		return peerGone("it did not take what was written before Close")
	case life.Silent:
		return gaveUp(silence)
	case life.Unanswered:
		return peerGone("its process lives but has not answered on this connection for %v; dial again", c.life.PeerTimeout())
	case life.Restarted:
		return peerGone("its process was restarted: another one listens under its name now; dial again")
	case life.Forgotten:
		return forgotten(silence)
	case life.PeerReset:
		if life.Code(c.stream.Status().ResetCode) == life.CodeRevoked {
			return ErrRevokedThere
		}
		return errReset
	case life.Revoked:
		return ErrRevoked
	case life.Violation:
		return fmt.Errorf("the peer broke the protocol: %w", c.violation)
	case life.Aborted:
		return net.ErrClosed
	}
	panic(fmt.Sprintf("BUG: a Conn failed for a reason numbered %d", why))
}

// describe says for people what was seen.
func describe(s life.Silence) string {
	text := fmt.Sprintf("nothing was heard of it for %v", rounded(s.Lasted))
	if s.Offline > 0 {
		text += fmt.Sprintf(", %v of that without a connection to the broker", rounded(s.Offline))
	}
	if s.Slept > 0 {
		text += fmt.Sprintf(", and this machine slept for %v besides (its clock jumped)", rounded(s.Slept))
	}
	return text
}

// gaveUp is the error of a Conn that has waited long enough.
func gaveUp(s life.Silence) error {
	switch {
	case s.Slept > 0:
		return peerGone("%v; raise %v at both ends to outlast that", describe(s), peerTimeout)
	case s.Down:
		return gone(ErrOffline, "there was no connection to it for %v, and nothing came from the other side for %v; check the broker and the network here, or raise %v",
			rounded(s.Offline), rounded(s.Lasted), peerTimeout)
	}
	return peerGone("%v; check its power and network, or raise %v", describe(s), peerTimeout)
}

// forgotten is the error of a Conn that the peer's process does not know any more,
// for which it may have had the same reasons.
func forgotten(s life.Silence) error {
	if s.Slept == 0 && s.Lasted < minSilence {
		return peerGone("its process no longer knows this connection; dial again")
	}
	return peerGone("its process no longer knows this connection: %v; dial again, or raise %v there", describe(s), peerTimeout)
}

// rounded leaves out what nobody wants to read.
func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d
	}
	return d.Round(time.Second)
}
