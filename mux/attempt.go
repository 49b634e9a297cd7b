package mux

import (
	"context"
	"errors"
	"net"
	"time"
)

// An attempt is a session of a Dialer, from the beginning of its dial to its
// end. Any number of DialContexts share it. Dialer.mu guards its fields.
type attempt struct {
	name     string
	deadline time.Time          // of the dial: that of the DialContext that began it
	cancel   context.CancelFunc // ends the dial
	waiting  int                // DialContexts that wait for ready; the last one that leaves cancels
	ready    chan struct{}      // closed when the dial has ended; session and err do not change afterwards
	session  *Session
	err      error
}

// join returns the current attempt for a name, or begins one.
func (d *Dialer) join(ctx context.Context, name string) (*attempt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, dialError(name, net.ErrClosed)
	}
	a := d.current[name]
	if a == nil || a.session != nil && closed(a.session.broken) {
		a = d.begin(ctx, name)
	}
	a.waiting++
	return a, nil
}

// begin starts an attempt. d.mu is held.
func (d *Dialer) begin(ctx context.Context, name string) *attempt {
	if d.current == nil {
		d.current, d.attempts = make(map[string]*attempt), make(map[*attempt]struct{})
	}
	a := &attempt{name: name, ready: make(chan struct{})}
	a.deadline, _ = ctx.Deadline()
	// The dial outlives the call that began it if others wait for it, too.
	ctx, a.cancel = context.WithDeadline(context.WithoutCancel(ctx), a.deadline)
	d.current[name] = a
	d.attempts[a] = struct{}{}
	d.running.Add(1)
	go d.run(ctx, a)
	return a
}

// wait waits for the dial of a. If it fails, again says whether that was only
// because the DialContext that began it had less time.
func (d *Dialer) wait(ctx context.Context, a *attempt) (again bool, err error) {
	select {
	case <-a.ready:
		d.leave(a)
	case <-ctx.Done():
		if d.leave(a) {
			// What the dial says now tells how far it got.
			<-a.ready
		}
		if !closed(a.ready) || !errors.Is(a.err, ctx.Err()) {
			return false, noAnswer(a.name, ctx.Err())
		}
	}
	return errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded), a.err
}

// leave notes that a DialContext no longer waits for a. If it was the last and
// the dial goes on, the dial is cancelled and leave returns true.
func (d *Dialer) leave(a *attempt) (last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a.waiting--
	if a.waiting > 0 || closed(a.ready) {
		return false
	}
	d.detach(a)
	if time.Now().Before(a.deadline) {
		a.cancel()
	}
	return true
}

// detach lets the next DialContext begin another attempt. d.mu is held.
func (d *Dialer) detach(a *attempt) {
	if d.current[a.name] == a {
		delete(d.current, a.name)
	}
}

// replace gives up a session that opens no more streams. Those that are open
// are not disturbed.
func (d *Dialer) replace(a *attempt) {
	d.mu.Lock()
	d.detach(a)
	d.mu.Unlock()
	a.session.shutdown()
}

// run dials, then waits for the end of the session.
func (d *Dialer) run(ctx context.Context, a *attempt) {
	defer d.running.Done()
	session, err := d.newSession(ctx, a.name)
	a.cancel()
	wanted := d.dialled(a, session, err)
	if session != nil {
		if !wanted {
			session.Close()
		}
		session.refuseStreams()
		d.mu.Lock()
		d.detach(a)
		d.mu.Unlock()
		<-session.Done()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.attempts, a)
}

// dialled notes how the dial ended, and reports whether the session is wanted.
func (d *Dialer) dialled(a *attempt, session *Session, err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer close(a.ready)
	wanted := !d.closed && d.current[a.name] == a
	if err == nil && !wanted {
		err = dialError(a.name, net.ErrClosed)
	}
	if a.err = err; err != nil {
		d.detach(a)
		return wanted
	}
	a.session = session
	return wanted
}

func (d *Dialer) newSession(ctx context.Context, name string) (*Session, error) {
	connect := d.connect
	if connect == nil {
		connect = d.dialEndpoint
	}
	conn, err := connect(ctx, name)
	if err != nil {
		return nil, err
	}
	return Client(conn)
}

func (d *Dialer) dialEndpoint(ctx context.Context, name string) (net.Conn, error) {
	if d.Endpoint == nil {
		return nil, errors.New("mux: Dialer.Endpoint is nil: set it")
	}
	// Not returned at once, since a nil *Conn is not a nil net.Conn.
	conn, err := d.Endpoint.Dial(ctx, name, protocol)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// refuseStreams resets what the peer opens, until the session ends or takes no
// more streams.
func (s *Session) refuseStreams() {
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		conn.(*stream).Reset()
	}
}
