package engine

import (
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// maxTimeWait bounds the Conns in TIME-WAIT; the oldest goes first.
const maxTimeWait = 1024

// A process is what a peer says of itself.
type process struct {
	inbox handshake.Inbox
	links uint8
}

// A peer is a process at the other end. Guarded by Engine.mu, but for the Peer and the paths.
type peer struct {
	*life.Peer
	process
	topics []string     // of its inbox, by its link
	mask   *record.Mask // of its inbox
	paths  *path.Set
	// ensembles are those of its Conns, by key: what another key's holder says of the way there, who may
	// name any inbox, is none of theirs.
	ensembles map[[16]byte]*stream.Ensemble
	conns     int // that share it
}

// join returns the peer that is a process, for one Conn more, and its Ensemble under a key.
func (e *Engine) join(who process, key [16]byte, now time.Time) (*peer, *stream.Ensemble) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.peers[who]
	if p == nil {
		p = &peer{Peer: life.NewPeer(e.clock, now), process: who, mask: record.NewMask(who.inbox.MaskKey()), paths: path.NewSet(e.links, who.links), ensembles: make(map[[16]byte]*stream.Ensemble)}
		for link := range who.links {
			p.topics = append(p.topics, who.inbox.Topic(e.config.TopicPrefix, link))
		}
		e.peers[who] = p
	}
	p.conns++
	if p.ensembles[key] == nil {
		p.ensembles[key] = stream.NewEnsemble()
	}
	return p, p.ensembles[key]
}

// leave ends what join began. It is called with e.mu held.
func (e *Engine) leave(p *peer) {
	if p.conns--; p.conns == 0 {
		delete(e.peers, p.process)
	}
}

// forget takes a Conn out of all tables.
func (e *Engine) forget(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c.id)
	delete(e.checks, c.question)
	e.leave(c.peer)
	if l := c.origin.listener; l != nil {
		l.forget(c)
	}
	e.timeWait = slices.DeleteFunc(e.timeWait, func(other *Conn) bool { return other == c })
}

// keepTimeWait takes note of a Conn in TIME-WAIT. The oldest goes if there are too
// many, on a goroutine of its own: the caller holds a Conn's lock, and Conns do not
// lock each other.
func (e *Engine) keepTimeWait(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.timeWait = append(e.timeWait, c)
	if len(e.timeWait) > maxTimeWait {
		oldest := e.timeWait[0]
		e.timeWait[0] = nil
		e.timeWait = e.timeWait[1:]
		go oldest.Expire()
	}
}
