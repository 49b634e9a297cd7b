package mux

import (
	"sync"
	"time"
)

// A deadline is one direction's: a channel that closes when it passes. It can
// be moved at any time, also after it passed.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer   // for the time last set; nil if it needs none
	moves  int           // how often set was called, so that a timer that was too late to be stopped does nothing
	passed chan struct{} // closed while the deadline lies in the past
}

func newDeadline() *deadline { return &deadline{passed: make(chan struct{})} }

// done returns a channel that closes when the deadline as it is set now passes.
func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

// set moves the deadline to t; the zero time is never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.moves++
	if closed(d.passed) {
		d.passed = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		close(d.passed)
		return
	}
	move := d.moves
	d.timer = time.AfterFunc(left, func() { d.expire(move) })
}

func (d *deadline) expire(move int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.moves == move {
		close(d.passed)
	}
}

// closed reports whether a channel that is never sent on is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
