package client

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
)

// AttemptTimeout bounds one attempt to reach the broker or the listener: long
// enough for a slow network, and then it is told why nothing works.
const AttemptTimeout = 30 * time.Second

// Keep keeps a session with the listener until the context ends, so that
// streams need not wait for one and ports stay open at the other side. It tries
// for ever, and tells what changes. It fails only if a setting is wrong, or the
// broker refuses us in a way that trying again does not cure, before it let us
// in once.
//
// defaultOnly says that only Default is ever opened, so that listeners that do
// not speak mqtt-e2e/1 will do; those are dialled when they are needed.
func (c *Client) Keep(ctx context.Context, defaultOnly bool, status *ui.Status) error {
	before := true // nothing has shown yet that the broker lets us in
	var refused pause
	for ctx.Err() == nil {
		var s *session
		err := Retry(ctx, status, c.Waits, "until it works", func(err error) bool {
			final := before && IsHopeless(err) || defaultOnly && errors.Is(err, mqtte2e.ErrRefused)
			before = before && errors.Is(err, mqtte2e.ErrBroker)
			return final
		}, func(ctx context.Context) (err error) {
			s, err = c.attempt(ctx)
			return err
		})
		switch {
		case ctx.Err() != nil:
		case defaultOnly && errors.Is(err, mqtte2e.ErrRefused):
			status.Info("the listener speaks another protocol; connecting when a connection comes in", "reason", err)
			<-ctx.Done()
		case err != nil:
			return err
		default:
			before = false
			c.watch(ctx, s, status, &refused)
		}
	}
	return nil
}

// watch returns a moment after the session has ended. refused is the pause after a
// listener has refused sessions, which shows when they were made.
func (c *Client) watch(ctx context.Context, s *session, status *ui.Status, refused *pause) {
	if *refused == (pause{}) {
		status.Info("connected to the listener", "name", c.name)
	}
	settled, cancel := context.WithTimeout(ctx, lastPause)
	defer cancel()
	if s.wait(settled); !s.isDone() {
		*refused = pause{}
		status.Info("connected to the listener", "name", c.name)
		s.wait(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	switch cause := context.Cause(s.ctx); {
	case errors.Is(cause, mqtte2e.ErrRefused):
		status.Warn(errFull.Error() + "; trying again")
		refused.Wait(ctx)
		return
	case errors.Is(cause, engine.ErrRevokedThere):
		status.Warn(c.Explain(cause).Error() + "; connecting again")
	case errors.Is(cause, syscall.ECONNRESET):
		status.Info("the listener ended the session; connecting again") // it was idle, or the listener's program ends
	default:
		status.Warn("the session with the listener is over; connecting again")
	}
	new(pause).Wait(ctx)
}

func (c *Client) attempt(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	s, _, err := c.session(ctx, []string{tunnel.Protocol})
	return s, c.Explain(err)
}

func (s *session) wait(ctx context.Context) {
	select {
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
}
