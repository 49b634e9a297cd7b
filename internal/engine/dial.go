package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
)

type keepAliveKey struct{}

// WithKeepAlive returns a context for Dial whose Conn asks a silent peer for a sign
// of life after so long, if others ask later, so that SilentSince soon knows of an
// outage while the Conn is idle too. When the Conn gives up does not change.
func WithKeepAlive(ctx context.Context, after time.Duration) context.Context {
	return context.WithValue(ctx, keepAliveKey{}, after)
}

func keepAlive(ctx context.Context) time.Duration {
	after, _ := ctx.Value(keepAliveKey{}).(time.Duration)
	return after
}

// Dial connects to the listener under name, which is valid and folded.
func (e *Engine) Dial(ctx context.Context, name string, protocols []string) (*Conn, error) {
	if err := handshake.CheckProtocols(protocols); err != nil {
		return nil, err
	}
	ctx, cancel := e.bound(ctx)
	defer cancel()
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	d := &dial{engine: e, name: name, keys: e.name(name), protocols: protocols, keepAlive: keepAlive(ctx), events: make(chan event, maxEvents)}
	c, err := d.run(ctx)
	d.end()
	d.forgetEchoes()
	if c != nil {
		d.lookForSecondAnswer(c)
	}
	return c, err
}

func (d *dial) run(ctx context.Context) (*Conn, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	for {
		repeat := time.NewTimer(time.Until(d.repeatAt))
		c, err := d.step(ctx, repeat.C)
		repeat.Stop()
		if c != nil || err != nil {
			return c, err
		}
	}
}

// step waits for one thing to happen and deals with it.
func (d *dial) step(ctx context.Context, repeat <-chan time.Time) (*Conn, error) {
	select {
	case ev := <-d.events:
		return d.handle(ev)
	case <-repeat:
		return nil, d.repeat()
	case <-d.decided:
		return d.open()
	case <-d.refused:
		return nil, d.refusal
	case <-ctx.Done():
		return nil, d.gaveUp(ctx.Err())
	}
}

func (d *dial) gaveUp(cause error) error {
	if d.refusal != nil {
		return d.refusal
	}
	return d.noAnswer(cause)
}

// handle deals with an authenticated answer. One that does not fit is ignored.
func (d *dial) handle(ev event) (*Conn, error) {
	if ev.m == nil {
		d.cameUp(ev.from)
		return nil, nil
	}
	a := d.attempt(ev.id)
	if a == nil {
		return nil, nil
	}
	switch m := ev.m.(type) {
	case handshake.Answer:
		return d.answered(a, m, ev)
	case handshake.Refusal:
		d.refuse(fmt.Sprintf("%s: it says %q", m.Code, m.Reason))
	case handshake.Time:
		return nil, d.correct(a, m)
	}
	return nil, nil
}

func (d *dial) attempt(id [8]byte) *attempt {
	for _, a := range d.attempts {
		if a.id == id {
			return a
		}
	}
	return nil
}

func (d *dial) refuse(text string) {
	if d.refusal == nil {
		d.refusal = &Error{Kind: ErrRefused, Text: fmt.Sprintf("%q: %s", d.name, text)}
		d.refused = time.After(refusalWait)
	}
}

// correct takes the listener's time and says hello again, unless that was done since the
// hello was made.
func (d *dial) correct(a *attempt, m handshake.Time) error {
	e := d.engine
	e.mu.Lock()
	known := !m.Hello.Equal(a.hello.Time) || a.offset != d.keys.offset
	e.mu.Unlock()
	if known {
		return nil
	}
	if d.fixes++; d.fixes > maxCorrections {
		d.refuse(fmt.Sprintf("the clocks disagree even after %d corrections; check the listener's clock", maxCorrections))
		return nil
	}
	offset := a.offset + m.Behind()
	e.config.Logger.Info("clock differs from the listener's; using its time", "name", d.name, "offset", offset)
	e.mu.Lock()
	d.keys.offset = offset
	e.mu.Unlock()
	return d.begin()
}

// answered makes the Conn, at once unless the same answer may come by an earlier broker. A wrong answer is ignored: a
// right one may follow.
func (d *dial) answered(a *attempt, m handshake.Answer, ev event) (*Conn, error) {
	if d.agreed != nil {
		return d.answeredAgain(a, m, ev)
	}
	reply, secrets, err := a.initiator.Finish(m)
	if err != nil {
		d.engine.rejected.Add(1)
		return nil, nil
	}
	if m.Link >= reply.Links {
		m.Link = 0 // somebody else changed it; the Conn finds a path that works, as from any wrong one
	}
	d.agreed = &agreed{
		id: a.id,
		origin: origin{
			name: d.name, key: d.keys.key, protocol: reply.Protocol, dialer: true, logID: secrets.LogID,
			peerID: reply.ID, peerInbox: reply.Inbox, tokenHash: reply.TokenHash, digest: sha256.Sum256(m.Noise),
		},
		incoming: secrets.ToDialer, outgoing: secrets.ToListener, maxMessageSize: reply.MaxMessageSize,
		links: reply.Links, keepAlive: d.keepAlive,
	}
	return d.cameBy(a, m, ev)
}

// answeredAgain looks whether this is the answer that waits, by an earlier broker.
func (d *dial) answeredAgain(a *attempt, m handshake.Answer, ev event) (*Conn, error) {
	known := d.agreed
	switch {
	case a.id != known.id:
		return nil, nil
	case sha256.Sum256(m.Noise) != known.origin.digest:
		d.second = m
		return nil, nil
	case m.Link >= known.links || ev.from.number >= known.path.Own():
		return nil, nil
	}
	return d.cameBy(a, m, ev)
}

// cameBy takes the path that the answer came by, for now.
func (d *dial) cameBy(a *attempt, m handshake.Answer, ev event) (*Conn, error) {
	d.agreed.path = path.Of(ev.from.number, m.Link)
	if a.count == 1 {
		d.agreed.rtt = max(ev.now.Sub(a.sent), time.Microsecond)
	}
	if !d.engine.anyBefore(ev.from) {
		return d.open()
	}
	if d.decided == nil {
		d.decided = time.After(earlierWait)
	}
	return nil, nil
}

// anyBefore reports whether a link before one is up.
func (e *Engine) anyBefore(u *uplink) bool {
	for own := range u.number {
		if e.links.IsUp(own) {
			return true
		}
	}
	return false
}

// open puts the Conn to work.
func (d *dial) open() (*Conn, error) {
	e, now := d.engine, time.Now()
	c := e.enter(*d.agreed, now)
	if c == nil {
		return nil, net.ErrClosed
	}
	c.Start(now)
	if d.second != nil {
		e.secondAnswer(c, d.second)
	}
	e.listens(d.name, c.origin.peerInbox, now)
	e.config.Logger.Debug("dialled", "conn", c.LogName(), "name", d.name, "protocol", c.origin.protocol)
	return c, nil
}
