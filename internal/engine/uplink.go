package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
)

// An uplink is one link of an Engine: its broker, our inbox there, and what waits to be sent over it.
type uplink struct {
	engine *Engine
	number uint8
	broker address.Broker
	link   *link.Link
	topic  string       // of our inbox on it
	mask   *record.Mask // of our inbox; the reader's
	queue  queue
	// allowance bounds what is published, and later wakes the writer when more may go.
	allowance allowance
	later     *time.Timer
	resuming  atomic.Bool // Conns wait to resume: tells the writer without a lock

	resumes   resumes   // guarded by Engine.mu
	lastUp    time.Time // when it last came up; guarded by Engine.mu
	downSince time.Time // when it last went down; zero: it never did; guarded by Engine.mu
}

var _ link.Source = (*uplink)(nil)

// newUplink returns the link to a broker, which does nothing yet. The inbox is heard as soon as it is up.
func (e *Engine) newUplink(number uint8, broker address.Broker) *uplink {
	u := &uplink{engine: e, number: number, broker: broker, topic: e.inbox.Topic(e.config.TopicPrefix, number), mask: record.NewMask(e.inbox.MaskKey())}
	u.queue.init(number)
	config := e.config.Link
	config.Broker, config.MaxPayload, config.Logger = broker, e.config.MaxMessageSize, e.config.Logger
	u.link = link.New(config, u)
	u.later = time.AfterFunc(0, u.link.Wake)
	u.later.Stop()
	if err := u.link.Subscribe(e.life, u.topic, u.receiveInbox); err != nil {
		panic(fmt.Sprintf("BUG: subscribing the inbox on a link that does not connect yet: %v", err))
	}
	return u
}

// close ends the link once everything that waits is written, or at the deadline.
func (u *uplink) close(deadline time.Time) {
	if u.link.IsUp() {
		u.queue.drain(deadline)
	}
	u.later.Stop()
	u.link.Close()
}

// messageSize is the largest message that is sent over the link, and that a peer is told to send there. It
// shrinks at the end of a connection whose broker hung up on large ones.
func (u *uplink) messageSize() int { return u.link.PayloadLimit(u.topic) }

// toInbox sends a message to one of the links of a process.
func (u *uplink) toInbox(to handshake.Inbox, its uint8, m handshake.Message) {
	u.queue.push(u.engine.sealed(to.Topic(u.engine.config.TopicPrefix, its), to.Key(), m))
	u.link.Wake()
}

// reply sends a process an answer that a replayed message may have asked for.
func (u *uplink) reply(to handshake.Inbox, its uint8, m handshake.Message) {
	u.queue.pushReply(u.engine.sealed(to.Topic(u.engine.config.TopicPrefix, its), to.Key(), m))
	u.link.Wake()
}

// toName sends a message to whoever listens under a name.
func (u *uplink) toName(n *name, m handshake.Message) {
	u.queue.push(u.engine.sealed(handshake.Topic(u.engine.config.TopicPrefix, n.Rendezvous), n.HelloKey(), m))
	u.link.Wake()
}
