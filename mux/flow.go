package mux

import "time"

const (
	// initialWindow is how much a peer may send into a new stream, bytes. It
	// is fixed by yamux's spec.md.
	initialWindow = 256 << 10

	// maxWindow is the most that a peer may send ahead of a stream's reader,
	// bytes. More is granted when half was read, so half a window is in flight
	// in the worst case: 8 MiB carry 40 MB/s over 100 ms of round trip.
	maxWindow = 8 << 20

	// windowBudget is by how much all windows of a peer together may exceed
	// initialWindow, bytes. When it is spent, windows grow no more.
	windowBudget = 64 << 20

	// windowHorizon is how much reading a window is made for. A window smaller
	// than what is read in that time may be what limits it; one that is much
	// larger only holds memory. It is twice the largest round trip at which
	// windows still grow.
	windowHorizon = time.Second
)

// flow says how much the peer may send on one stream, in place of yamux, whose
// windows all have one size: slow readers would hold as much memory as fast
// ones. It starts with initialWindow and grows with the speed of the reader.
type flow struct {
	window   int       // how far the peer may be ahead of the reader, bytes
	limit    uint64    // bytes that the peer may have sent by now
	received uint64    // bytes that the peer has sent
	read     uint64    // bytes that were read
	marked   uint64    // read when the window was last judged
	since    time.Time // when that was
}

func newFlow(now time.Time) flow {
	return flow{window: initialWindow, limit: initialWindow, since: now}
}

// receive notes n bytes from the peer, and reports whether they were allowed.
func (f *flow) receive(n int) bool {
	f.received += uint64(n)
	return f.received <= f.limit
}

// consume notes that n bytes were read, and returns how many more the peer may
// send, which is 0 until half the window was read. budget is what windows may
// grow by.
func (f *flow) consume(n int, budget share, now time.Time) (grant int) {
	f.read += uint64(n)
	if f.limit-f.read > uint64(f.window/2) {
		return 0
	}
	f.judge(budget, now)
	if f.read+uint64(f.window) <= f.limit {
		return 0
	}
	grant = int(f.read + uint64(f.window) - f.limit)
	f.limit += uint64(grant)
	return grant
}

// judge doubles the window if it may be what limits the reader, and halves it
// if it is several times what the reader needs.
func (f *flow) judge(budget share, now time.Time) {
	read, elapsed := f.read-f.marked, now.Sub(f.since)
	f.marked, f.since = f.read, now
	// Compared as bytes times time, since elapsed may be zero.
	speed, needed := float64(read)*float64(windowHorizon), float64(f.window)*float64(elapsed)
	switch {
	case speed >= needed && f.window < maxWindow && budget.take(f.window):
		f.window *= 2
	case speed < needed/4 && f.window > initialWindow:
		f.window /= 2
		budget.give(f.window)
	}
}

// release gives back to budget what the window had of it.
func (f *flow) release(budget share) {
	budget.give(f.window - initialWindow)
	f.window = initialWindow
}
