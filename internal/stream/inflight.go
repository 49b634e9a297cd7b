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

// maxSent bounds the packets that are remembered. Grants and buffers allow far
// fewer; credit that a peer takes without ever acknowledging anything does not.
// One more packet takes the oldest for lost.
const maxSent = 2 * maxGrantMessages

// sentPacket is what is remembered of an ack-eliciting packet in flight.
type sentPacket struct {
	number  uint64
	at      time.Time
	size    int // bytes on the wire
	offset  uint64
	length  int // stream bytes; 0: none
	control control
	partial bool // it carried new stream data, less than would fit
	probe   bool // sent for a probe timeout
	done    bool // acknowledged or lost
}

// carry takes note that the packet carries a signal.
func (p *sentPacket) carry(s *signal, c control) {
	s.send(p.number)
	p.control |= c
}

// inFlight are the ack-eliciting packets in flight, maxSent at most.
type inFlight struct {
	packets []sentPacket // ascending by number; the first is not done
	bytes   int          // in flight
	count   int          // packets in flight
	partial int          // partial packets in flight
	largest uint64       // largest acknowledged number plus one, eliciting or not
	// eligible is the number below which every packet may be declared lost by
	// time, although none later was acknowledged: set when the peer resumes.
	eligible uint64
	next     uint64 // one above the last number sent

	backoff  uint      // probe timeouts since the last progress
	lastSent time.Time // when the last ack-eliciting packet went
	newPath  uint64    // packets below this number were sent before a reconnect of either side
}

func (l *inFlight) add(p sentPacket) {
	l.packets = append(l.packets, p)
	l.bytes += p.size
	l.count++
	if p.partial {
		l.partial++
	}
	l.lastSent = p.at
}

// finish takes a packet out of flight.
func (l *inFlight) finish(p *sentPacket) {
	p.done = true
	l.bytes -= p.size
	l.count--
	if p.partial {
		l.partial--
	}
}

// trim forgets finished packets at the front.
func (l *inFlight) trim() {
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
func (l *inFlight) between(smallest, largest uint64) []sentPacket {
	p := l.packets
	i := sort.Search(len(p), func(i int) bool { return p[i].number >= smallest })
	j := i
	for j < len(p) && p[j].number <= largest {
		j++
	}
	return p[i:j]
}

// oldest returns the first packet in flight, nil if there is none.
func (l *inFlight) oldest() *sentPacket {
	if len(l.packets) == 0 {
		return nil
	}
	return &l.packets[0]
}

// oldestData returns the first packet in flight that carries data, nil if none
// does.
func (l *inFlight) oldestData() *sentPacket {
	for i := range l.packets {
		if p := &l.packets[i]; !p.done && p.length > 0 {
			return p
		}
	}
	return nil
}

// restart starts the probe timeouts afresh after a reconnect of either side.
// What was sent before says nothing about the path, neither by its loss nor by
// its round-trip time.
func (l *inFlight) restart() {
	l.newPath = l.next
	l.backoff = 0
}

// overdue reports whether p, which is below largest or eligible, is lost: too
// many numbers behind an acknowledged one, or too long ago.
func (l *inFlight) overdue(p *sentPacket, now time.Time, delay time.Duration) bool {
	return p.number+packetThreshold < l.largest || !now.Before(p.at.Add(delay))
}
