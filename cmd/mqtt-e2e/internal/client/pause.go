package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// The pause doubles from firstPause to lastPause. A person who starts the broker
// after the command waits 5 s at most; a thousand devices that wait for one
// broker are 200 attempts a second, which brokers can take.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
)

// A Pause is the time between two attempts. The zero Pause is ready for use.
type Pause struct{ next time.Duration }

// Wait waits for the next pause, shortened by up to half so that programs that
// failed together do not try together, and reports whether the context still
// holds.
func (p *Pause) Wait(ctx context.Context) bool {
	p.next = min(max(2*p.next, firstPause), lastPause)
	timer := time.NewTimer(p.next - rand.N(p.next/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Reset begins with the shortest pause again.
func (p *Pause) Reset() { p.next = 0 }
