package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// firstRepeat is when a hello is sent again; the waits double up to maxRepeat.
	firstRepeat = 250 * time.Millisecond
	maxRepeat   = 2 * time.Second
	// refusalWait is how long a refusal waits for another listener's answer.
	refusalWait = time.Second
	// maxCorrections is how often a dial takes the time from a listener.
	maxCorrections = 3
	// confirmTimeout is how long a dialer's Conn waits for the first packet
	// from the listener that answered it.
	confirmTimeout = 10 * time.Second
)

// A dial is an attempt to reach the listener under a name. Its fields belong
// to the goroutine that called Dial; only events is shared.
type dial struct {
	engine    *Engine
	name      string
	keys      *handshake.Name
	protocols []string
	attempts  []*attempt    // the last two: an answer to the one before may be on its way
	wait      time.Duration // between the last hello and the next
	repeatAt  time.Time     // when to send the next
	fixes     int           // corrections of the time so far
	refusal   error         // the first one
	refused   <-chan time.Time

	events chan event // filled by the reader goroutine
}

// An attempt is one hello, sent several times.
type attempt struct {
	id        [8]byte
	initiator *handshake.Initiator
	hello     handshake.Hello
	made      time.Time // by the monotonic clock
	sent      time.Time // when last sent
	count     int
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
	d := &dial{engine: e, name: name, keys: e.name(name), protocols: protocols, events: make(chan event, maxEvents)}
	c, err := d.run(ctx)
	d.end()
	if c != nil {
		c.attend(ctx)
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
	return d.engine.gaveUp(d.name, cause)
}

// begin makes a new hello, with a fresh ephemeral key, and sends it.
func (d *dial) begin() error {
	e := d.engine
	a := &attempt{id: random8(), made: time.Now()}
	e.mu.Lock()
	offset := e.offset
	e.mu.Unlock()
	initiator, hello, err := d.keys.Initiate(rand.Reader, handshake.Offer{
		ID: a.id, Inbox: e.inbox, Time: e.config.Wall().Add(offset),
		MaxMessageSize: e.messageSize(), Protocols: d.protocols,
	})
	if err != nil {
		return err
	}
	a.initiator, a.hello = initiator, hello
	d.keep(a)
	d.wait = firstRepeat
	d.send(a)
	return nil
}

// keep registers an attempt in place of the one before the last.
func (d *dial) keep(a *attempt) {
	e := d.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(d.attempts) == 2 {
		delete(e.dials, d.attempts[0].id)
		d.attempts = d.attempts[1:]
	}
	d.attempts = append(d.attempts, a)
	e.dials[a.id] = d
}

// end sees to it that no more events come.
func (d *dial) end() {
	e := d.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range d.attempts {
		delete(e.dials, a.id)
	}
}

func (d *dial) send(a *attempt) {
	a.sent = time.Now()
	a.count++
	d.repeatAt = earlier(a.sent.Add(d.wait), a.made.Add(d.life()))
	d.engine.toName(d.keys, a.hello)
}

// life is for how long a hello is repeated before a new one takes its place.
func (d *dial) life() time.Duration { return max(d.engine.config.TimeWindow/2, firstRepeat) }

// repeat sends the hello again, or a new one once half of the time window has
// passed.
func (d *dial) repeat() error {
	a := d.attempts[len(d.attempts)-1]
	if time.Since(a.made) >= d.life() {
		return d.begin()
	}
	d.wait = min(2*d.wait, maxRepeat)
	d.send(a)
	return nil
}

// handle deals with an authenticated answer. One that does not fit is ignored.
func (d *dial) handle(ev event) (*Conn, error) {
	a := d.attempt(ev.id)
	if a == nil {
		return nil, nil
	}
	switch m := ev.m.(type) {
	case handshake.Answer:
		return d.answered(a, m, ev.now)
	case handshake.Refusal:
		d.refuse(fmt.Sprintf("%s: it says %q", m.Code, m.Reason))
	case handshake.Time:
		return nil, d.correct(a, m, ev.now)
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

// correct takes the listener's time and says hello again.
func (d *dial) correct(a *attempt, m handshake.Time, now time.Time) error {
	if !m.Hello.Equal(a.hello.Time) || a != d.attempts[len(d.attempts)-1] {
		return nil
	}
	if d.fixes++; d.fixes > maxCorrections {
		d.refuse(fmt.Sprintf("the clocks disagree even after %d corrections; check the listener's clock", maxCorrections))
		return nil
	}
	e := d.engine
	wall := e.config.Wall()
	elapsed := time.Since(now)
	offset := m.Offset(wall.Add(-time.Since(a.sent)), wall.Add(-elapsed))
	e.config.Logger.Info("clock differs from the listener's; using its time", "name", d.name, "offset", offset)
	e.mu.Lock()
	e.offset = offset
	e.mu.Unlock()
	return d.begin()
}

// answered makes the Conn. A wrong answer is ignored: a right one may follow.
func (d *dial) answered(a *attempt, m handshake.Answer, now time.Time) (*Conn, error) {
	reply, secrets, err := a.initiator.Finish(m)
	if err != nil {
		d.engine.rejected.Add(1)
		return nil, nil
	}
	c := d.engine.newConn(a.id, origin{
		name: d.name, protocol: reply.Protocol, dialer: true, logID: secrets.LogID,
		peerID: reply.ID, peerInbox: reply.Inbox, digest: sha256.Sum256(m.Noise),
	}, secrets.ToDialer, secrets.ToListener, reply.MaxMessageSize, now)
	if a.count == 1 {
		c.stream.SeedRTT(now.Sub(a.sent))
	}
	return d.open(c, now)
}

// open puts the Conn to work: its first packet proves to the listener that
// this dial is no replay, and is repeated like all others.
func (d *dial) open(c *Conn, now time.Time) (*Conn, error) {
	e := d.engine
	c.unconfirmed = now.Add(confirmTimeout)
	c.stream.Ping()
	if !e.enter(c, now) {
		return nil, net.ErrClosed
	}
	c.mu.Lock()
	c.update(now)
	c.mu.Unlock()
	e.listens(d.name, c.origin.peerInbox, now)
	e.config.Logger.Debug("dialled", "conn", c.logName(), "name", d.name, "protocol", c.origin.protocol)
	return c, nil
}
