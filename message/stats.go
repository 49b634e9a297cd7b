package message

import (
	"errors"
	"sync/atomic"
)

// Stats counts what a [Session] did since Dial.
type Stats struct {
	Sent     uint64 // packets handed to the connection: one a message and key or device
	Received uint64 // messages accepted

	// Packets refused, by reason.
	Forged       uint64 // ErrForged
	Malformed    uint64 // ErrMalformed
	WrongVersion uint64 // ErrVersion
	WrongTime    uint64 // ErrTime
	Replayed     uint64 // ErrReplay; what this Session itself sent is among them where it subscribes to what it publishes
	Oversize     uint64 // larger than MaxPacketSize, skipped unread

	Overflow   uint64 // messages that were accepted and lost because 128 were waiting for Receive
	Reconnects uint64 // connections to the broker after the first
}

// counters are what the reader and the writer goroutine of the link count into.
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
	l := s.link.Stats()
	return Stats{
		Sent:         s.counts.sent.Load(),
		Received:     s.counts.received.Load(),
		Forged:       s.counts.forged.Load(),
		Malformed:    s.counts.malformed.Load(),
		WrongVersion: s.counts.wrongVersion.Load(),
		WrongTime:    s.counts.wrongTime.Load(),
		Replayed:     s.counts.replayed.Load(),
		Oversize:     l.Oversize,
		Overflow:     s.counts.overflow.Load(),
		Reconnects:   l.Reconnects,
	}
}
