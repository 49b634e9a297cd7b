package ui

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// TestStreamEnd has errors as io.Copy wraps those of the connection that it reads.
func TestStreamEnd(t *testing.T) {
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 57230}
	op := func(op, network string, err error) error {
		return &net.OpError{Op: op, Net: network, Source: here, Addr: here, Err: err}
	}
	there := func(err error) error { return op("readfrom", "tcp", op("read", "mqtt", err)) }
	target := func(err error) error { return op("writeto", "tcp", op("read", "tcp", err)) }
	silence := setting.Errorf("", "nothing was heard of it for 8s; check its power and network, or raise %v", setting.Field("Config.PeerTimeout"))
	gone := &engine.Error{Kind: mqtte2e.ErrPeerGone, Cause: silence, Text: silence.Error()}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, "complete"},
		{there(fmt.Errorf("mux: the session ended: %w", gone)), "the other side is gone: nothing was heard of it for 8s"},
		{there(fmt.Errorf("mux: the peer closed the session: %w", syscall.ECONNRESET)), "the other side reset it"},
		{op("write", "mqtt", syscall.EPIPE), "the other side reads no more"},
		{there(fmt.Errorf("mux: the peer breaks the protocol")), "the other side failed"},
		{there(net.ErrClosed), "ended on this side"},
		{there(fmt.Errorf("mux: the session ended: %w", engine.ErrRevoked)), "its key is not served any more"},
		{there(engine.ErrRevokedThere), "the listener does not serve our key any more"},
		{target(os.NewSyscallError("read", syscall.ECONNRESET)), "the target reset it"},
		{op("readfrom", "tcp", os.NewSyscallError("write", syscall.EPIPE)), "the target reads no more"},
		{target(os.NewSyscallError("read", syscall.ETIMEDOUT)), "the target failed: no answer in time"},
		{target(os.NewSyscallError("read", syscall.EHOSTUNREACH)), "the target failed: there is no route to it"},
	} {
		if got := StreamEnd(test.err, "the target"); got != test.want {
			t.Errorf("%v\nended as %q,\nwant     %q", test.err, got, test.want)
		}
	}
}

// TestSessionEnd has the errors that package mux makes.
func TestSessionEnd(t *testing.T) {
	closed := fmt.Errorf("mux: the peer closed the session: %w", syscall.ECONNRESET)
	for _, test := range []struct {
		err  error
		want string
		more bool // is wanted of a stream that fails with it
	}{
		{net.ErrClosed, "ended on this side", true},
		{closed, "the other side ended it", false},
		{fmt.Errorf("mux: the session ended: %w", engine.ErrRevoked), "its key is not served any more", true},
		{fmt.Errorf("mux: the session ended: invalid protocol version"), "the session ended: invalid protocol version", true},
	} {
		if got := SessionEnd(test.err); got != test.want {
			t.Errorf("%v ended as %q, want %q", test.err, got, test.want)
		}
		if WantsNoMore(test.err) == test.more {
			t.Errorf("%v: more is wanted: %v", test.err, !test.more)
		}
	}
}
