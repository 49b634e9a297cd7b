package tunnel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// sessions returns the two ends of a session, which end with the test.
func sessions(t *testing.T) (dialer, listener *mux.Session) {
	t.Helper()
	a, b := simtest.Pipe()
	dialer, err := mux.Client(a)
	if err != nil {
		t.Fatal(err)
	}
	listener, err = mux.Server(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dialer.Close()
		listener.Close()
	})
	return dialer, listener
}

// accept returns the next stream of a session, and its request.
func accept(t *testing.T, session *mux.Session) (net.Conn, Request) {
	t.Helper()
	stream, err := session.Accept()
	if err != nil {
		t.Error(err)
		return nil, Request{}
	}
	request, err := AcceptRequest(stream)
	if err != nil {
		t.Error(err)
	}
	return stream, request
}

func TestOpenStream(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		dialer, listener := sessions(t)
		go func() {
			stream, request := accept(t, listener)
			if request != (Request{Target, "h:1"}) {
				t.Errorf("it asks for %+v", request)
			}
			Reply{}.Write(stream)
			io.WriteString(stream, "hello")
			stream.Close()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		stream, err := OpenStream(ctx, dialer, Request{Target, "h:1"})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		<-ctx.Done() // which bounds the call only
		if got, err := io.ReadAll(stream); err != nil || string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestOpenStreamFails(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(stream net.Conn)
		want  func(error) bool
	}{
		"refused": {
			func(stream net.Conn) { Reply{Refused, "no"}.Write(stream) },
			func(err error) bool {
				var refused *Error
				return errors.As(err, &refused) && refused.Reply == Reply{Refused, "no"}
			},
		},
		"reset":     {func(stream net.Conn) { Abort(stream) }, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		"malformed": {func(stream net.Conn) { stream.Write([]byte("\x00\xff\xff")) }, func(err error) bool { return errors.Is(err, ErrMalformed) }},
		"silent":    {func(net.Conn) {}, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				dialer, listener := sessions(t)
				go func() {
					stream, _ := accept(t, listener)
					test.serve(stream)
				}()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := OpenStream(ctx, dialer, Request{Kind: Service}); !test.want(err) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

// TestStreamWithoutRequest opens streams that never say what they are for.
func TestStreamWithoutRequest(t *testing.T) {
	for _, start := range []string{"", "\x01\x00", "\x01\x02\x01"} {
		simtest.Run(t, func(t *testing.T) {
			dialer, listener := sessions(t)
			opened, err := dialer.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(opened, start)
			stream, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if request, err := AcceptRequest(stream); err == nil {
				t.Errorf("%q is the request %+v", start, request)
			}
			if took := time.Since(begun); took > requestTimeout {
				t.Errorf("%q is waited for for %v", start, took)
			}
			if _, err := io.ReadAll(opened); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("who opened the stream gets %v, want a reset", err)
			}
		})
	}
}

// failing is a listener that accepts what it has, and then is closed.
type failing struct {
	net.Listener
	results []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.results) == 0 {
		return nil, net.ErrClosed
	}
	err := f.results[0]
	f.results = f.results[1:]
	return nil, err
}

// TestAcceptAllGoesOn runs out of descriptors for a while.
func TestAcceptAllGoesOn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		accepted := 0
		AcceptAll(&failing{results: []error{nil, syscall.EMFILE, syscall.EMFILE, nil}}, func(net.Conn) { accepted++ })
		if accepted != 2 {
			t.Errorf("%d connections were accepted, want 2", accepted)
		}
	})
}

// TestServeRecords looks at the one line for a stream.
func TestServeRecords(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		dialer, listener := sessions(t)
		local, far := sessions(t)
		peer, target := make(chan net.Conn, 1), make(chan net.Conn, 1)
		go func() { conn, _ := listener.Accept(); peer <- conn }()
		go func() { conn, _ := far.Accept(); target <- conn }()
		ours, err := dialer.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		here, err := local.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var record strings.Builder
		go func() {
			there := <-target
			io.Copy(io.Discard, there)
			io.WriteString(there, "answer!")
			there.Close()
		}()
		go func() {
			io.WriteString(ours, "ask")
			CloseWrite(ours)
		}()
		Serve(here, AtTarget, <-peer, textLogger(&record))
		if want := "level=INFO msg=\"served a stream\" seconds=0 from_peer=3 to_peer=7 end=complete\n"; record.String() != want {
			t.Errorf("the record is %q, want %q", &record, want)
		}
		ours.Close()
	})
}

// textLogger writes lines without the time.
func textLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return attr
	}}))
}
