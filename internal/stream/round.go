package stream

import "time"

// roundPackets is the fewest packets by which a rate is measured after the
// start-up: with fewer, one more or less makes a tenth of it.
const roundPackets = 10

// sentMargin times the rate at which packets were sent, at most, is that at which they
// arrived: a try for more sends 1.25 times as much for a part of a round trip. More
// would hide what several links with losses carry, which TCP below repeats.
const sentMargin = 1.5

// A round is a round trip: it ends when a packet is acknowledged that was sent
// after its beginning.
type round struct {
	end         uint64 // the packet, at or above this number
	start       time.Time
	arrival     time.Duration // when, on the peer's clock, what began it arrived
	acked, lost int           // packets
	since, sent time.Time     // when the last packet was sent that was acknowledged before, and in it
	delivered   int           // bytes acknowledged
	limited     int           // bytes of these that were acknowledged while the window was in use
	sampled     bool
	transit     time.Duration // the smallest
	burst       int           // the most bytes acknowledged at once
}

// full reports whether the sender kept the path busy, so that the round tells
// what the path can do, and not what the application did.
func (r *round) full() bool { return r.limited*4 >= r.delivered*3 && r.delivered > 0 }

// rate is how fast the path delivered, in bytes a second, given when the last of it
// arrived at the peer and here. What had to wait arrives at once, which is no rate of the
// path: it is not much above that at which it was sent.
func (r *round) rate(arrival time.Duration, now time.Time) float64 {
	if r.start.IsZero() {
		return 0
	}
	took := arrival - r.arrival
	if took <= 0 {
		took = now.Sub(r.start)
	}
	if !r.since.IsZero() {
		took = max(took, time.Duration(float64(r.sent.Sub(r.since))/sentMargin))
	}
	return float64(r.delivered) / max(took, time.Microsecond).Seconds()
}

// lossy reports whether so many packets were lost that a queue overflowed.
func (r *round) lossy() bool { return r.lost > burstLoss && r.lost*10 > r.acked+r.lost }

// report is what an ACK says, as the congestion control needs it.
type report struct {
	now     time.Time
	arrival time.Duration // of the packet with the largest number, on the peer's clock
	bytes   int           // that it takes out of flight
	largest uint64        // one above the largest number acknowledged
	next    uint64        // the number that will be sent next
	grant   int
	flight  int
}
