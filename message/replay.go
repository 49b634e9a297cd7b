package message

import (
	"math"
	"slices"
	"sort"
	"time"
)

// maxRemembered bounds a Codec's memory of IVs to 1 MiB (16 bytes each), and what the slice has to spare. A window of 10 s on either side of the clock then carries
// 3,276 messages a second in the worst case, far above what a broker's defaults pass on. What happens when it is full: see memory.
const maxRemembered = 65536

// memory remembers every IV that was accepted or sealed, for as long as its time is within the window, so that none is accepted
// twice. It is complete at any load and under any clock: when it forgets an IV, because its time has left the window or because
// limit is reached (then the one with the oldest time goes), everything of that time or before counts as seen from then on. So a
// full memory refuses packets that are late, and never accepts one twice; so does a clock that jumps ahead and back.
type memory struct {
	limit     int   // most IVs remembered
	seen      []iv  // in ascending order; packets mostly come in order, so most additions are at the end
	forgotten int64 // the latest time of an IV that was forgotten; math.MinInt64 if none was
}

func newMemory(limit int) memory { return memory{limit: limit, forgotten: math.MinInt64} }

// add remembers v, which came by one link. It returns nil if v is new, errCopy if it is the same that came by other links and not by
// this one, and else ErrReplay.
func (m *memory) add(v iv, now time.Time, window time.Duration) error {
	m.forgetOutside(now, window)
	if v.time <= m.forgotten {
		return ErrReplay
	}
	at, found := slices.BinarySearchFunc(m.seen, v, iv.compare)
	if found {
		return m.seen[at].again(v.links)
	}
	m.seen = slices.Insert(m.seen, at, v)
	if len(m.seen) > m.limit {
		m.forget(len(m.seen) - m.limit)
	}
	return nil
}

// again notes that v came by a link once more, and returns what that makes of the packet. What was sealed here came by none.
func (v *iv) again(link uint8) error {
	came := v.links
	v.links |= link
	if came == 0 || came&link != 0 {
		return ErrReplay
	}
	return errCopy
}

// forgetOutside forgets the IVs that the window's far edge has passed.
func (m *memory) forgetOutside(now time.Time, window time.Duration) {
	if len(m.seen) == 0 || m.seen[0].offset(now) >= -window {
		return
	}
	m.forget(sort.Search(len(m.seen), func(i int) bool { return m.seen[i].offset(now) >= -window }))
}

// forget drops the n oldest IVs.
func (m *memory) forget(n int) {
	m.forgotten = max(m.forgotten, m.seen[n-1].time)
	m.seen = m.seen[n:]
}
