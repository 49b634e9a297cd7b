package conn

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		text    string
		is      []error
		not     []error
		timeout bool
	}{
		"without a cause": {&Error{Kind: ErrRefused, Text: "busy"}, "mqtte2e: the listener refused: busy", []error{ErrRefused}, []error{ErrBroker}, false},
		"with a cause": {&Error{Kind: ErrBroker, Cause: syscall.ECONNREFUSED, Text: "refused"}, "mqtte2e: the broker cannot be used: refused",
			[]error{ErrBroker, syscall.ECONNREFUSED}, []error{ErrNoAnswer}, false},
		"of a deadline": {&Error{Kind: ErrNoAnswer, Cause: os.ErrDeadlineExceeded, Text: "late"}, "mqtte2e: nobody answered: late",
			[]error{ErrNoAnswer, os.ErrDeadlineExceeded}, nil, true},
		"of a peer":             {peerGone("after %d s", 5), "mqtte2e: the peer is gone: after 5 s", []error{ErrPeerGone}, []error{syscall.EPIPE}, false},
		"of a peer that closed": {errPeerClosed, "the peer closed the connection and reads no more", []error{syscall.EPIPE}, []error{syscall.ECONNRESET}, false},
		"of a reset":            {errReset, "connection reset by peer", []error{syscall.ECONNRESET}, []error{syscall.EPIPE}, false},
	} {
		if test.err.Error() != test.text {
			t.Errorf("%s: %q", name, test.err)
		}
		for _, is := range test.is {
			if !errors.Is(test.err, is) {
				t.Errorf("%s: it is no %v", name, is)
			}
		}
		for _, not := range test.not {
			if errors.Is(test.err, not) {
				t.Errorf("%s: it is %v", name, not)
			}
		}
		var timeout net.Error
		if errors.As(test.err, &timeout) && timeout.Timeout() != test.timeout {
			t.Errorf("%s: Timeout is %v", name, timeout.Timeout())
		}
	}
}
