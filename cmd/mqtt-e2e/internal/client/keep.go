package client

import (
	"context"
	"errors"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
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
	var pause Pause
	news := true // nothing was told of this outage yet
	for before := true; ctx.Err() == nil; {
		s, err := c.attempt(ctx, status, news)
		news = err == nil
		switch {
		case err == nil:
			before = false
			pause.Reset()
			status.Info("connected to the listener", "name", c.name)
			s.wait(ctx)
			if ctx.Err() == nil {
				status.Warn("the session with the listener is over; connecting again")
			}
		case before && (link.Permanent(err) || IsSetup(err)):
			return err
		case defaultOnly && errors.Is(err, mqtte2e.ErrRefused):
			status.Info("the listener speaks another protocol; connecting when a connection comes in", "reason", err)
			<-ctx.Done()
		case ctx.Err() == nil:
			before = before && errors.Is(err, mqtte2e.ErrBroker)
			status.Warn(err.Error() + "; trying again until it works")
		}
		pause.Wait(ctx)
	}
	return nil
}

// attempt tells status what it waits for if that takes long and is news.
func (c *Client) attempt(ctx context.Context, status *ui.Status, news bool) (*session, error) {
	if news {
		defer ui.Notice(func() { status.Warn(c.Waits()) })()
	}
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
