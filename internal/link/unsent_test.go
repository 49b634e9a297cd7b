package link

import (
	"testing"
	"time"
)

func TestUnsentFollowsTheNetwork(t *testing.T) {
	var told []int
	u := newUnsent(func(limit int) { told = append(told, limit) })
	for _, step := range []struct {
		n           int
		took        time.Duration
		want, batch int
	}{
		{64 << 10, 100 * time.Microsecond, mostUnsent, batchLimit}, // as fast as it goes
		{64 << 10, 40 * time.Millisecond, 16 << 10, 16 << 10},      // 1.6 MB/s
		{100, 10 * time.Microsecond, 16 << 10, 16 << 10},           // says nothing
		{16 << 10, 11 * time.Millisecond, 16 << 10, 16 << 10},      // about the same
		{16 << 10, time.Second, leastUnsent, leastUnsent},          // 16 kB/s
		{8 << 10, 10 * time.Microsecond, 16 << 10, 16 << 10},       // taken at once: there may be more
		{16 << 10, 10 * time.Microsecond, 32 << 10, 32 << 10},
	} {
		u.wrote(step.n, step.took)
		if u.limit != step.want || u.batch() != step.batch {
			t.Errorf("%d bytes in %v: limit %d, batch %d, want %d, %d", step.n, step.took, u.limit, u.batch(), step.want, step.batch)
		}
	}
	if len(told) != 4 {
		t.Errorf("the socket was told %v", told)
	}
}
