package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestDialerPassesErrorsOn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{delay: time.Minute}
		d := n.dialer()
		_, err := d.DialContext(t.Context(), "tcp", "nobody")
		if !errors.Is(err, mqtte2e.ErrBroker) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a deadline: %v", err)
		}
		n.delay = 0
		if _, err := d.DialContext(t.Context(), "tcp", "nobody"); !errors.Is(err, mqtte2e.ErrNoAnswer) {
			t.Errorf("nobody there: %v", err)
		}
		if n.dials != 2 {
			t.Errorf("%d dials, want 2", n.dials)
		}
		d.Close()
	})
}

// TestDialerTimesOutOnASilentSession never answers a stream.
func TestDialerTimesOutOnASilentSession(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{listeners: map[string]*pipeListener{"a": newPipeListener()}}
		d := n.dialer()
		go func() { <-n.listeners["a"].next }()
		start := time.Now()
		_, err := d.DialContext(t.Context(), "tcp", "a")
		if took := time.Since(start); took != dialTimeout || !errors.Is(err, mqtte2e.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialContext: %v, %v", took, err)
		}
		d.Close()
	})
}

func TestDialerRefusesStreams(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{}
		inner := newPipeListener()
		n.listeners = map[string]*pipeListener{"a": inner}
		d := n.dialer()
		server := make(chan *Session)
		go func() {
			s, _ := Server((<-inner.next).(net.Conn))
			server <- s
		}()
		go d.DialContext(t.Context(), "tcp", "a")
		s := <-server
		for range 2 { // the second time it is known before
			near, err := s.Open(t.Context())
			if err == nil {
				_, err = near.Read(make([]byte, 1))
				near.Close()
			}
			if err == nil || err == io.EOF {
				t.Errorf("a stream towards a Dialer reads %v", err)
			}
			simtest.Wait()
		}
		d.Close()
		s.Close()
	})
}

func TestDialerArguments(t *testing.T) {
	var d Dialer
	for _, test := range []struct{ network, address, want string }{
		{"udp", "a", "use tcp"},
		{"tcp", "a:b:c", "neither a name nor name:port"},
		{"tcp4", "a:80", "Endpoint is nil"},
		{"tcp6", "", "Endpoint is nil"},
	} {
		if _, err := d.DialContext(t.Context(), test.network, test.address); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("DialContext(%q, %q): %v, want %q", test.network, test.address, err, test.want)
		}
	}
	d.Close()
}
