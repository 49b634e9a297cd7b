package link

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A network that swallows everything for a minute is noticed an attempt after it works again, and what was dialled
// besides is closed.
func TestPersistTriesAgain(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		start := time.Now()
		var attempts, open atomic.Int32
		dial := persist(func(ctx context.Context, _, _ string) (net.Conn, error) {
			attempts.Add(1)
			if time.Since(start) < time.Minute { // a SYN that is lost, and not repeated soon
				<-ctx.Done()
				return nil, ctx.Err()
			}
			open.Add(1)
			near, far := net.Pipe()
			far.Close()
			return &counted{near, &open}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		conn, err := dial(ctx, "tcp", "broker:1883")
		if err != nil {
			t.Fatal(err)
		}
		if late := time.Since(start) - time.Minute; late > retryPause {
			t.Errorf("connected %v after the network worked again", late)
		}
		if want := int32(time.Minute/retryPause) + 2; attempts.Load() > want {
			t.Errorf("%d attempts, want at most %d", attempts.Load(), want)
		}
		simtest.Wait()
		if n := open.Load(); n != 1 {
			t.Errorf("%d connections are open, want one", n)
		}
		conn.Close()
	})
}

// The first attempt lasts as long as its context, and its error is the dial's.
func TestPersistTakesTheFirstAnswer(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		refused := errors.New("refused")
		var calls atomic.Int32
		dial := persist(func(ctx context.Context, _, _ string) (net.Conn, error) {
			if calls.Add(1) > 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			time.Sleep(10 * time.Second)
			return nil, refused
		})
		if _, err := dial(t.Context(), "tcp", "broker:1883"); err != refused {
			t.Errorf("the error is %v", err)
		}
		simtest.Wait()
	})
}

// counted takes its connection off the count when it is closed.
type counted struct {
	net.Conn
	open *atomic.Int32
}

func (c *counted) Close() error {
	c.open.Add(-1)
	return c.Conn.Close()
}
