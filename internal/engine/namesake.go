package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// namesakePause is how often a Listener may send PROBEs to its own name in
	// the long run, so that dialers which ping make it send hardly more.
	namesakePause = time.Minute
	// namesakeBurst is how often at once: when it begins, and when others that
	// begin at about the same time make themselves heard.
	namesakeBurst = 3
	// maxNamesakes is how many Listeners of an Engine do so after a reconnect:
	// what they send comes back to us, when much else does.
	maxNamesakes = 32
)

// A namesake is another process that listens under a Listener's name, which
// makes it random whom a dialer reaches. The Listener finds it by sending a
// PROBE to its own name and not answering that itself. Guarded by Engine.mu.
type namesake struct {
	nonce [8]byte   // of the last PROBE
	full  time.Time // when namesakeBurst may be sent at once again; zero: there was none
	met   bool      // one was answered: no more are sent
}

// ask makes the nonce for another PROBE and reports whether it may be sent.
func (n *namesake) ask(now time.Time) bool {
	full := now.Add(namesakePause)
	if n.full.After(now) {
		full = n.full.Add(namesakePause)
	}
	if n.met || full.Sub(now) > namesakeBurst*namesakePause {
		return false
	}
	n.nonce, n.full = random8(), full
	return true
}

// lookForNamesake asks who else listens under the name.
func (r *rendezvous) lookForNamesake(now time.Time) {
	e := r.engine
	e.mu.Lock()
	may, nonce := r.namesake.ask(now), r.namesake.nonce
	e.mu.Unlock()
	if may {
		e.probe(r.name, nonce)
	}
}

// lookForNamesakes does so for Listeners after a reconnect: others may have
// begun to listen meanwhile.
func (e *Engine) lookForNamesakes(now time.Time) {
	all := e.rendezvous()
	for _, r := range all[:min(len(all), maxNamesakes)] {
		r.lookForNamesake(now)
	}
}

// rendezvous returns those of all Listeners.
func (e *Engine) rendezvous() (all []*rendezvous) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, l := range e.listeners {
		l.mu.Lock()
		all = append(all, values(l.rendezvous)...)
		l.mu.Unlock()
	}
	return all
}

// probed answers a PROBE, unless it is our own. Whoever sent another one may
// have begun to listen.
func (r *rendezvous) probed(u *uplink, m handshake.Probe, now time.Time) {
	e := r.engine
	e.mu.RLock()
	own := m.Nonce == r.namesake.nonce
	e.mu.RUnlock()
	if own || !e.limits.pong(u, m, r.rates.pongs, now) {
		return
	}
	u.reply(m.Inbox, m.Link, handshake.Pong{Nonce: m.Nonce})
	if m.Inbox.ID != e.inbox.ID {
		r.lookForNamesake(now)
	}
}

// meetNamesake is told of a PONG that no Ping waits for.
func (e *Engine) meetNamesake(m handshake.Pong) {
	if r := e.askedBy(m.Nonce); r != nil {
		e.config.Logger.Warn("another process listens under the same name with the same key, and dialers reach either at random: stop one, or give it a name or key of its own", "name", r.name.text)
	}
}

// askedBy returns the rendezvous that sent the PROBE and has met nobody before;
// nil: none did.
func (e *Engine) askedBy(nonce [8]byte) *rendezvous {
	all := e.rendezvous()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range all {
		if n := &r.namesake; n.nonce == nonce && !n.full.IsZero() && !n.met {
			n.met = true
			return r
		}
	}
	return nil
}
