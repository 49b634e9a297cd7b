package message

import (
	"errors"
	"sync/atomic"
)

// Stats counts what a [Session] did since Dial.
type Stats struct {
	Sent     uint64 // packets handed to a connection: one a message and key or device, however many brokers get it
	Received uint64 // messages accepted

	// Packets refused, by reason.
	Forged       uint64 // ErrForged
	Malformed    uint64 // ErrMalformed
	WrongVersion uint64 // ErrVersion
	WrongTime    uint64 // ErrTime
	Replayed     uint64 // ErrReplay; what this Session itself sent is among them where it subscribes to what it publishes, copies by other brokers are not
	Oversize     uint64 // larger than MaxPacketSize, skipped unread

	Overflow   uint64 // messages that were accepted and lost because 128 were waiting for Receive
	Reconnects uint64 // connections after the first, of all brokers
}

// counters are what the reader and writer goroutines of the links count into.
type counters struct {
	sent, received, overflow                             atomic.Uint64
	forged, malformed, wrongVersion, wrongTime, replayed atomic.Uint64
}

// refused returns the counter for err.
func (c *counters) refused(err error) *atomic.Uint64 {
	switch {
	case errors.Is(err, ErrForged):
		return &c.forged
	case errors.Is(err, ErrMalformed):
		return &c.malformed
	case errors.Is(err, ErrVersion):
		return &c.wrongVersion
	case errors.Is(err, ErrTime):
		return &c.wrongTime
	case errors.Is(err, ErrReplay):
		return &c.replayed
	}
	panic("BUG: a packet was refused for an unknown reason: " + err.Error())
}

// Stats returns the counts so far.
func (s *Session) Stats() Stats {
	stats := Stats{
		Sent:         s.counts.sent.Load(),
		Received:     s.counts.received.Load(),
		Forged:       s.counts.forged.Load(),
		Malformed:    s.counts.malformed.Load(),
		WrongVersion: s.counts.wrongVersion.Load(),
		WrongTime:    s.counts.wrongTime.Load(),
		Replayed:     s.counts.replayed.Load(),
		Overflow:     s.counts.overflow.Load(),
	}
	for _, lane := range s.outbox.lanes {
		l := lane.link.Stats()
		stats.Oversize += l.Oversize
		stats.Reconnects += l.Reconnects
	}
	return stats
}
