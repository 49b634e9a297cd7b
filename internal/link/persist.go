package link

import (
	"context"
	"net"
	"time"
)

// retryPause is the time from one attempt to connect by TCP to the next. The kernel itself repeats after 1, 3, 7 and 15 s, so that
// a network that works again would be noticed late. An attempt lasts for four of them; but the first lasts as long as its context,
// for networks that are slower.
const retryPause = 250 * time.Millisecond

// persist returns a dial function that tries again and again while the network swallows what it is sent.
func persist(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		conns, failed := make(chan net.Conn), make(chan error, 1)
		try := func(ctx context.Context) error {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return err
			}
			select {
			case conns <- conn:
			case <-ctx.Done():
				conn.Close() // another was faster
			}
			return nil
		}
		go func() {
			if err := try(ctx); err != nil {
				failed <- err
			}
		}()
		ticker := time.NewTicker(retryPause)
		defer ticker.Stop()
		for {
			select {
			case conn := <-conns:
				return conn, nil
			case err := <-failed:
				return nil, err
			case <-ticker.C:
				go func() {
					ctx, cancel := context.WithTimeout(ctx, 4*retryPause)
					defer cancel()
					try(ctx)
				}()
			}
		}
	}
}
