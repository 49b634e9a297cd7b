package stream

import (
	"sort"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// packetThreshold is how many numbers behind an acknowledged one a packet is
// taken for lost (RFC 9002, 6.1.1).
const packetThreshold = 3

// maxBackoff bounds the doubling of the probe timeout as a shift.
const maxBackoff = 10

// control is the set of frames other than STREAM and ACK that a packet
// carried, each of which is sent again when the packet is lost.
type control uint8

const (
	controlFin control = 1 << iota
	controlStop
	controlReset
	controlPing
	controlResume
	controlCredit // an ACK that reopened the peer's credit, made eliciting by a PING
)

// sentPacket is what is remembered of an ack-eliciting packet in flight.
type sentPacket struct {
	number  uint64
	at      time.Time
	size    int // bytes on the wire
	offset  uint64
	length  int // stream bytes; 0: none
	control control
	partial bool // it carried less stream data than would fit
	again   bool // its stream data had been sent before
	epoch   int  // the link connection that it was sent on
	done    bool // acknowledged or lost
}

// A ledger knows the ack-eliciting packets in flight. The number of packets is
// bounded by the grant, probes and control frames included.
type ledger struct {
	packets []sentPacket // ascending by number; the first is not done
	bytes   int          // in flight
	count   int          // packets in flight
	partial int          // partial packets in flight
	largest uint64       // largest acknowledged number plus one
	// eligible is the number below which every packet may be declared lost by
	// time, although none later was acknowledged: set when the peer resumes.
	eligible uint64
	next     uint64 // one above the last number sent

	backoff   uint      // probe timeouts since the last acknowledgement
	lastSent  time.Time // when the last ack-eliciting packet went
	noFail    int       // losses of packets of older epochs do not count against the path
	noFailNum uint64    // nor do losses of numbers below this
}

func (l *ledger) add(p sentPacket) {
	l.packets = append(l.packets, p)
	l.bytes += p.size
	l.count++
	if p.partial {
		l.partial++
	}
	l.lastSent = p.at
}

// finish takes a packet out of flight.
func (l *ledger) finish(p *sentPacket) {
	p.done = true
	l.bytes -= p.size
	l.count--
	if p.partial {
		l.partial--
	}
}

// trim forgets finished packets at the front.
func (l *ledger) trim() {
	n := 0
	for n < len(l.packets) && l.packets[n].done {
		n++
	}
	kept := copy(l.packets, l.packets[n:])
	l.packets = l.packets[:kept]
	if kept == 0 && cap(l.packets) > 2*wire.MaxRanges {
		l.packets = nil
	}
}

// between returns the packets with numbers in [smallest, largest].
func (l *ledger) between(smallest, largest uint64) []sentPacket {
	p := l.packets
	i := sort.Search(len(p), func(i int) bool { return p[i].number >= smallest })
	j := i
	for j < len(p) && p[j].number <= largest {
		j++
	}
	return p[i:j]
}

// oldest returns the first packet in flight.
func (l *ledger) oldest() *sentPacket {
	for i := range l.packets {
		if !l.packets[i].done {
			return &l.packets[i]
		}
	}
	return nil
}

// blameless reports whether losing p says nothing about congestion: a
// reconnect of either side lost it.
func (l *ledger) blameless(p *sentPacket) bool {
	return p.epoch < l.noFail || p.number < l.noFailNum
}

// overdue reports whether p is lost now, and else when it will be (zero: not
// by time).
func (l *ledger) overdue(p *sentPacket, now time.Time, delay time.Duration) (bool, time.Time) {
	if p.number+packetThreshold < l.largest {
		return true, time.Time{}
	}
	if p.number >= max(l.largest, l.eligible) {
		return false, time.Time{}
	}
	due := p.at.Add(delay)
	if !now.Before(due) {
		return true, time.Time{}
	}
	return false, due
}
