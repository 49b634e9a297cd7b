package stream

import "sync/atomic"

// A Budget bounds what all streams of one Endpoint together may buffer in one
// direction beyond the base that each of them always has. When it is spent, streams
// stay at their base until others give back. It is safe for concurrent use,
// since the streams that share it have different locks.
type Budget struct{ left atomic.Int64 }

// NewBudget returns a budget of size bytes.
func NewBudget(size int64) *Budget {
	b := new(Budget)
	b.left.Store(size)
	return b
}

// take reserves n bytes, all or nothing.
func (b *Budget) take(n int) bool {
	if b.left.Add(int64(-n)) >= 0 {
		return true
	}
	b.left.Add(int64(n))
	return false
}

// share reserves up to want bytes, in units of baseBuffer, for a stream that
// has reserved held before, and returns how many. No stream gets more than it
// leaves to the others, so that a few that are stuck or idle with what they
// have do not starve those that come later.
func (b *Budget) share(held, want int) int {
	n := int(min(int64(want), (b.left.Load()-int64(held))/2))
	n -= n % baseBuffer
	if n <= 0 || !b.take(n) {
		return 0
	}
	return n
}

// give returns n bytes.
func (b *Budget) give(n int) { b.left.Add(int64(n)) }

// Left returns the bytes that nobody has reserved.
func (b *Budget) Left() int64 { return b.left.Load() }
