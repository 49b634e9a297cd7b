package link

import "time"

// recentSlot is the resolution of recentLargest.
const recentSlot = 250 * time.Millisecond

// recentLargest remembers the largest number of the last second, give or take a slot. The writer owns it.
type recentLargest struct {
	start time.Time // of the first slot
	last  int64     // the slot that was written last, counted from start
	slots [5]int
}

// add takes note of n at now.
func (r *recentLargest) add(now time.Time, n int) {
	r.advance(now)
	slot := &r.slots[r.last%int64(len(r.slots))]
	*slot = max(*slot, n)
}

// largest returns the largest number that was added in the last second, 0 if there was none.
func (r *recentLargest) largest(now time.Time) int {
	r.advance(now)
	largest := 0
	for _, n := range r.slots {
		largest = max(largest, n)
	}
	return largest
}

// advance clears the slots between the last one written and now.
func (r *recentLargest) advance(now time.Time) {
	current := int64(now.Sub(r.start) / recentSlot)
	for i := max(r.last+1, current-int64(len(r.slots))+1); i <= current; i++ {
		r.slots[i%int64(len(r.slots))] = 0
	}
	r.last = max(r.last, current)
}
