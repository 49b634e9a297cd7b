package stream

import (
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

const (
	// A single packet is acknowledged after maxAckDelay: ACKs cost a broker as much as
	// data, and a service counts them as well. If there are more, ackDrained is how long
	// after the last one the ACK goes: inbound has drained, and an answer that could carry
	// it would be here by now. If they do not end, it goes ackHeld after the first.
	ackDrained = 2 * time.Millisecond
	ackHeld    = 10 * time.Millisecond
	// ackPackets is the most packets that one ACK covers. At the beginning it covers fewer, one more for each so many
	// that came, since few are in flight and each is waited for.
	ackPackets = 16
	// minAckPackets is the fewest that an ACK waits for, however small the grant.
	minAckPackets = 2
)

// acks remembers which packet numbers arrived and decides when to say so. It
// keeps the 32 most recent ranges; older ones were reported 32 gaps ago.
type acks struct {
	received  ranges    // packet numbers
	epoch     time.Time // the zero of the times that are told to the peer
	largestAt time.Time
	pending   int       // eliciting packets not yet acknowledged
	elicited  uint64    // eliciting packets so far
	first     time.Time // when the first of them came
	last      time.Time // when the last of them came
	now       bool      // an ACK is due at once; only while some are pending
	bytes     uint64    // of the packets pending, as the grant counts them
	every     int       // packets that an ACK may wait for, from the grant
	quarter   uint64    // bytes that an ACK may wait for, from the grant
	gap       bool      // a number out of order came, and no eliciting packet since
	aside     []uint64  // numbers of packets about paths, until a higher one of another packet comes; maxAside at most, the oldest goes
}

// maxAside is more packets about paths than are sent at once. One that is forgotten leaves a gap in what is acknowledged.
const maxAside = 64

// setAside takes note of a packet that is not acknowledged by itself: it may have overtaken, on another path, what is in
// flight on the path in use, which would look lost.
func (a *acks) setAside(number uint64) {
	if len(a.aside) == maxAside {
		a.aside = append(a.aside[:0], a.aside[1:]...)
	}
	a.aside = append(a.aside, number)
}

// takeBack lists those set aside that are below a number which is acknowledged.
func (a *acks) takeBack(number uint64) {
	a.aside = slices.DeleteFunc(a.aside, func(n uint64) bool {
		if n < number {
			a.received.add(n, n+1)
		}
		return n < number
	})
	if len(a.aside) == 0 {
		a.aside = nil
	}
}

// receive takes note of an authenticated packet. atOnce asks for an immediate
// ACK; a number out of order does so by itself.
func (a *acks) receive(now time.Time, number uint64, size int, eliciting, atOnce bool) {
	if len(a.aside) > 0 {
		a.takeBack(number)
	}
	inOrder := len(a.received) == 0 || number == a.received[len(a.received)-1].end
	if len(a.received) == 0 || number >= a.received[len(a.received)-1].end {
		a.largestAt = now
	}
	a.received.add(number, number+1)
	if excess := len(a.received) - wire.MaxRanges; excess > 0 {
		kept := copy(a.received, a.received[excess:])
		a.received = a.received[:kept]
	}
	a.gap = a.gap || !inOrder
	if !eliciting {
		return
	}
	if a.pending == 0 {
		a.first = now
	}
	a.pending++
	a.elicited++
	a.bytes += uint64(size)
	a.last = now
	a.now = a.now || atOnce || a.gap || a.pending >= a.every || a.bytes >= a.quarter
	a.gap = false
}

// deadline is when an ACK that nothing else carries has to go; zero: there is
// none, or it is due already.
func (a *acks) deadline() time.Time {
	if a.pending == 0 || a.now {
		return time.Time{}
	}
	if a.pending == 1 {
		return a.first.Add(maxAckDelay)
	}
	return Earlier(a.last.Add(ackDrained), a.first.Add(ackHeld))
}

// expire makes an ACK due whose deadline has come.
func (a *acks) expire(now time.Time) { a.now = a.due(now) }

// due reports whether an ACK has to go now.
func (a *acks) due(now time.Time) bool {
	return a.now || a.pending > 0 && !now.Before(a.deadline())
}

// fill describes what arrived, in most ranges at most, and starts a new count.
// The grant sets the pace.
func (a *acks) fill(ack *wire.Ack, now time.Time, most int) {
	ack.Delay, ack.Arrival = 0, 0
	if len(a.received) > 0 {
		ack.Delay = max(now.Sub(a.largestAt), 0)
		ack.Arrival = a.largestAt.Sub(a.epoch)
	}
	ack.Ranges = ack.Ranges[:0]
	for i := len(a.received) - 1; i >= 0 && len(ack.Ranges) < most; i-- {
		s := a.received[i]
		ack.Ranges = append(ack.Ranges, wire.Range{Smallest: s.start, Largest: s.end - 1})
	}
	a.every = int(min(max(ack.GrantMessages/4, minAckPackets), ackPackets, minAckPackets+a.elicited/ackPackets))
	a.quarter = ack.GrantBytes / 4
	a.pending, a.bytes, a.now = 0, 0, false
}
