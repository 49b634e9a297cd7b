package link

import (
	"context"
	"net"
	"time"
)

const (
	// knockPause is the time from one attempt to connect by TCP to the next. The kernel itself repeats after 1, 3, 7 and 15 s,
	// so that a network that works again would be noticed late.
	knockPause = 250 * time.Millisecond
	// knockLife is how long a repeated attempt lasts; the first lasts as long as its context, for networks that are slower.
	knockLife = time.Second
)

// persist returns a dial function that knocks again and again while the network swallows what it is sent. At most
// knockLife/knockPause attempts and the first are under way.
func persist(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		first, later := make(chan dialed, 1), make(chan dialed)
		go func() { first <- newDialed(dial(ctx, network, address)) }()
		knock := func() {
			ctx, cancel := context.WithTimeout(ctx, knockLife)
			defer cancel()
			d := newDialed(dial(ctx, network, address))
			select {
			case later <- d:
			case <-ctx.Done():
				d.drop()
			}
		}
		ticker := time.NewTicker(knockPause)
		defer ticker.Stop()
		for {
			select {
			case d := <-first:
				return d.conn, d.err
			case d := <-later:
				if d.err == nil {
					go func() { (<-first).drop() }()
					return d.conn, nil
				}
			case <-ticker.C:
				go knock()
			}
		}
	}
}

// dialed is the outcome of an attempt.
type dialed struct {
	conn net.Conn
	err  error
}

func newDialed(conn net.Conn, err error) dialed { return dialed{conn, err} }

// drop closes a connection that nobody needs.
func (d dialed) drop() {
	if d.err == nil {
		d.conn.Close()
	}
}
