package stream

import "time"

// Earlier returns the earlier of two times, of which zero means never.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Passed reports whether t, of which zero means never, is at or before now.
func Passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }
