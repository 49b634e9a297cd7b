package stream

import "slices"

// A interval is the half-open interval [start, end) of stream offsets or packet
// numbers.
type interval struct{ start, end uint64 }

// ranges is a set of integers kept as ascending, disjoint, non-adjacent intervals.
// It has no bound of its own: its owners bound it (maxGaps, wire.MaxRanges, or
// the packets in flight).
type ranges []interval

// add puts [start, end) into the set and reports whether it held anything new.
func (r *ranges) add(start, end uint64) bool {
	if start >= end {
		return false
	}
	i := r.search(start)
	if i < len(*r) && (*r)[i].start <= start && end <= (*r)[i].end {
		return false
	}
	j := i
	for j < len(*r) && (*r)[j].start <= end {
		start, end = min(start, (*r)[j].start), max(end, (*r)[j].end)
		j++
	}
	*r = slices.Replace(*r, i, j, interval{start, end})
	return true
}

// remove takes [start, end) out of the set.
func (r *ranges) remove(start, end uint64) {
	if start >= end {
		return
	}
	i := r.search(start + 1)
	j := i
	var rest [2]interval
	kept := rest[:0]
	for j < len(*r) && (*r)[j].start < end {
		if s := (*r)[j]; s.start < start {
			kept = append(kept, interval{s.start, start})
		}
		if s := (*r)[j]; s.end > end {
			kept = append(kept, interval{end, s.end})
		}
		j++
	}
	*r = slices.Replace(*r, i, j, kept...)
}

// search returns the index of the first interval that ends at or after v.
func (r ranges) search(v uint64) int {
	low, high := 0, len(r)
	for low < high {
		if mid := (low + high) / 2; r[mid].end < v {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// touches reports whether some interval overlaps or borders on [start, end), so that
// adding that makes no further interval.
func (r ranges) touches(start, end uint64) bool {
	i := r.search(start)
	return i < len(r) && r[i].start <= end
}
