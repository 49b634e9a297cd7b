package message

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// maxReceived is how many messages wait for Receive: at most 8 MiB, all from holders of a key. What comes while that many wait is lost
// and counted: with a window of seconds, what came first is as much worth as what comes last.
const maxReceived = 128

// A Message is one that was received and proved genuine.
type Message struct {
	Key    mqtte2e.Key // the key it was sealed under: who spoke, where each device has a key of its own
	Device string      // the device that the key is of, one of Config.Devices; empty for one of Config.Keys
	Topic  string      // as the broker said. It is not authenticated: among devices that share a key, the broker can exchange it
	Bytes  []byte      // the message, the caller's to keep
	Time   time.Time   // when it was sealed, by the sender's clock
}

// Suffix returns what follows the base topic and its slash, such as iot/NAME; it is as little authenticated as Topic is.
func (m Message) Suffix() string {
	if len(m.Topic) <= baseTopicLength {
		return ""
	}
	return m.Topic[baseTopicLength+1:]
}

// An inbox opens what arrives and keeps it for Receive. Its methods run on the links' reader goroutines, but for receive.
type inbox struct {
	counts *counters
	log    *slog.Logger
	queue  chan Message
	off    atomic.Pointer[TimeError] // of the genuine message refused last; nil if one was accepted since

	handling sync.Mutex // one link at a time: the next message by another does not overtake
}

func newInbox(counts *counters, log *slog.Logger) *inbox {
	return &inbox{counts: counts, log: log, queue: make(chan Message, maxReceived)}
}

// handle opens a packet in place, which came by a link.
func (b *inbox) handle(p *peer, link int, topic, packet []byte) {
	b.handling.Lock()
	defer b.handling.Unlock()
	message, sealed, err := p.codec.openInPlace(packet, link)
	if err == errCopy {
		return
	}
	if err != nil {
		b.refuse(p, err)
		return
	}
	b.off.Store(nil)
	select {
	case b.queue <- Message{Key: p.key, Device: p.device, Topic: string(topic), Bytes: bytes.Clone(message), Time: sealed}:
		b.counts.received.Add(1)
	default:
		b.counts.overflow.Add(1)
	}
}

// refuse counts err, and logs it when its count is a power of two, so that nobody can fill the log.
func (b *inbox) refuse(p *peer, err error) {
	if off, ok := err.(*TimeError); ok {
		b.off.Store(off)
	}
	if n := b.counts.refused(err).Add(1); n&(n-1) == 0 {
		b.log.Warn("packet refused", "reason", err, "peer", p.String(), "count", n)
	}
}

// receive returns the next message, or an error when ctx or closed ends.
func (b *inbox) receive(ctx context.Context, closed <-chan struct{}) (Message, error) {
	select {
	case <-closed:
		return Message{}, errClosed
	default:
	}
	select {
	case m := <-b.queue:
		return m, nil
	default:
	}
	select {
	case m := <-b.queue:
		return m, nil
	case <-closed:
		return Message{}, errClosed
	case <-ctx.Done():
		return Message{}, b.nothing(ctx.Err())
	}
}

// nothing is the error when cause ended the wait.
func (b *inbox) nothing(cause error) error {
	if off := b.off.Load(); off != nil {
		return fmt.Errorf("message: nothing received: %w: what came last was refused: %w", cause, off)
	}
	return fmt.Errorf("message: nothing received: %w", cause)
}
