package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// maxAttended bounds the names whose announcements an Engine hears: some
// brokers take no more than 50 subscriptions of a connection. A Conn to a name
// beyond it notices a restarted listener by its keep-alive, if it is idle.
const maxAttended = 32

// announce tells the dialers of the name that this process listens: those of a
// process that was killed would else not know unless they had something to say.
func (l *Listener) announce() {
	e := l.engine
	topic := handshake.Topic(e.config.TopicPrefix, l.keys.Announcements)
	e.queue.push(e.sealed(topic, l.keys.Announcement(), handshake.Here{Inbox: e.inbox}))
	e.link.Wake()
}

// attend subscribes to the announcements of a name, once: a broker that hangs up
// on that is not asked again. Nobody waits for it, and Conns work without.
func (e *Engine) attend(name string, keys *handshake.Name) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.attended[name] || len(e.attended) == maxAttended {
		return
	}
	e.attended[name] = true
	go func() {
		topic := handshake.Topic(e.config.TopicPrefix, keys.Announcements)
		err := e.link.TrySubscribe(e.life, topic, func(_, payload []byte, now time.Time) {
			e.receiveAnnouncement(name, keys, payload, now)
		})
		if err != nil && !e.isClosed() {
			e.config.Logger.Info("cannot hear announcements; restarted listeners will be noticed later", "name", name, "error", err)
		}
	}()
}

// receiveAnnouncement acts upon each message once, so that replays do nothing.
func (e *Engine) receiveAnnouncement(name string, keys *handshake.Name, payload []byte, now time.Time) {
	m, err := keys.Announcement().Open(payload)
	if err != nil {
		e.rejected.Add(1)
		return
	}
	here := m.(handshake.Here) // the only type of this topic
	if e.limits.announcement(payload, now) {
		e.listens(name, here.Inbox, now)
	}
}

// listens is told which process listens under a name. Conns to another one ask
// that for a sign of life.
func (e *Engine) listens(name string, inbox [16]byte, now time.Time) {
	e.suspect(e.connsWhere(func(c *Conn) bool {
		return c.origin.dialer && c.origin.name == name && c.origin.peerInbox != inbox
	}), now)
}
