package client

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// The pause doubles from firstPause to lastPause. A person who starts the broker
// after the command waits 5 s at most; a thousand devices that wait for one
// broker are 200 attempts a second, which brokers can take.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
)

// A pause is the time between two attempts. The zero pause is ready for use.
type pause struct{ next time.Duration }

// Wait waits for the next pause, shortened by up to half so that programs that
// failed together do not try together, and reports whether the context still
// holds.
func (p *pause) Wait(ctx context.Context) bool {
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

// Retry calls do until it succeeds, fails in a way that is final, or the context
// ends. It tells status what goes wrong and until when it tries again, or what is
// waited for if that takes long and nothing else was told.
func Retry(ctx context.Context, status *ui.Status, waits func() string, until string, final func(error) bool, do func(context.Context) error) error {
	stop := ui.Notice(func() { status.Warn(waits()) })
	defer stop()
	var wait pause
	for {
		err := do(ctx)
		if err == nil || ctx.Err() != nil || final(err) {
			return err
		}
		stop()
		status.Warn(err.Error() + "; trying again, " + until)
		if !wait.Wait(ctx) {
			return err
		}
	}
}

// IsHopeless reports whether an error is of a setting, or of a broker that does
// not let us in, so that trying again does not help.
func IsHopeless(err error) bool { return link.Permanent(err) || IsSetup(err) }
