// Package wan emulates access links, for measurements that loopback cannot stand for:
//
//	A --link-- broker --link-- B
//
// Each place is a network namespace and each link a pair of TUN devices, between which this process carries the packets at the
// link's rate, with its queue, delay, jitter and loss. So the kernel's own TCP runs on every hop. It needs root and Linux.
package wan

import (
	"math/rand/v2"
	"time"
)

const (
	// packetSize is the longest packet of a link, in bytes: Ethernet's.
	packetSize = 1500

	// leastQueue is what a queue holds at any rate, in packets: TCP needs a few.
	leastQueue = 4
)

// Addresses of the places, as those at the other end of a link see them.
const (
	BrokerFromA = "10.77.0.1"
	BrokerFromB = "10.77.1.1"
	B           = "10.77.1.2"
)

// Link is what an access link is like, each way.
type Link struct {
	Rate   float64       // Mbit/s
	Delay  time.Duration // one way
	Jitter time.Duration // at most this much more delay, at random; packets stay in order
	Queue  time.Duration // what its queue holds at its rate
	Loss   float64       // share of the packets, at random
}

// line is one direction of a link: a queue of bounded bytes drained at a rate, then a delay.
type line struct {
	Link
	free time.Time // when what is queued has been sent
	last time.Time // when the packet before arrives
}

// admit takes a packet of n bytes and returns when it arrives; false: the link loses it, or its queue is full.
func (l *line) admit(now time.Time, n int) (arrival time.Time, ok bool) {
	if l.free.Before(now) {
		l.free = now
	}
	limit := max(l.Queue, l.lasts(leastQueue*packetSize))
	if l.free.Add(l.lasts(n)).Sub(now) > limit || l.Loss > 0 && rand.Float64() < l.Loss {
		return time.Time{}, false
	}
	l.free = l.free.Add(l.lasts(n))
	arrival = l.free.Add(l.Delay + time.Duration(rand.Float64()*float64(l.Jitter)))
	if arrival.Before(l.last) {
		arrival = l.last
	}
	l.last = arrival
	return arrival, true
}

// lasts returns how long the link sends n bytes.
func (l *line) lasts(n int) time.Duration {
	return time.Duration(float64(n) * 8 / l.Rate * float64(time.Microsecond))
}
