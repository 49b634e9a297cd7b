package mqtte2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

var sentinels = []error{ErrNoAnswer, ErrPeerGone, ErrRefused, ErrBroker}

func TestErrors(t *testing.T) {
	broker, err := address.Parse("mqtts://ulrike77:hunter2@h")
	if err != nil {
		t.Fatal(err)
	}
	certificate := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	for _, test := range []struct {
		err      error
		sentinel error
		cause    error // nil if there is none
		texts    []string
	}{
		{noAnswerError("thermostat", nil), ErrNoAnswer, nil, []string{`"thermostat"`, "key", "name", "TopicPrefix", "listener runs"}},
		{noAnswerError("", context.DeadlineExceeded), ErrNoAnswer, context.DeadlineExceeded, []string{`""`, "deadline exceeded"}},
		{noAnswerError("a", context.Canceled), ErrNoAnswer, context.Canceled, []string{"context canceled"}},
		{peerSilentError(2 * time.Minute), ErrPeerGone, nil, []string{"2m0s", "PeerTimeout"}},
		{peerRestartedError(), ErrPeerGone, nil, []string{"restarted", "dial again"}},
		{refusedError("a", "full\x1b[2J", nil), ErrRefused, nil, []string{`"a"`, `"full\x1b[2J"`}},
		{refusedError("a", `has "mux"`, []string{"", "x"}), ErrRefused, nil, []string{`\"mux\"`, `"", "x"`, "in common"}},
		{brokerError(broker, syscall.ECONNREFUSED), ErrBroker, syscall.ECONNREFUSED, []string{"mqtts://h:8883", "refused", "check that the broker runs"}},
		{brokerError(broker, &net.DNSError{Err: "no such host", Name: "h"}), ErrBroker, nil, []string{"no such host", "DNS"}},
		{brokerError(broker, certificate), ErrBroker, certificate, []string{"TLSConfig"}},
		{brokerError(broker, tls.RecordHeaderError{Msg: "not TLS"}), ErrBroker, nil, []string{"does not speak TLS"}},
		{brokerError(broker, fmt.Errorf("dial: %w", context.DeadlineExceeded)), ErrBroker, context.DeadlineExceeded, []string{"allow more time"}},
		{brokerError(broker, errors.New("not authorized")), ErrBroker, nil, []string{"not authorized", "user and password"}},
	} {
		for _, sentinel := range sentinels {
			if errors.Is(test.err, sentinel) != (sentinel == test.sentinel) {
				t.Errorf("errors.Is(%v, %v) is wrong", test.err, sentinel)
			}
		}
		if test.cause != nil && !errors.Is(test.err, test.cause) {
			t.Errorf("%v does not answer to its cause", test.err)
		}
		for _, text := range test.texts {
			if !strings.Contains(test.err.Error(), text) {
				t.Errorf("%v: want %q in it", test.err, text)
			}
		}
		if strings.Contains(test.err.Error(), "hunter2") || strings.Contains(test.err.Error(), "ulrike77") {
			t.Errorf("the error shows a secret: %v", test.err)
		}
		if !strings.HasPrefix(test.err.Error(), test.sentinel.Error()[:len("mqtte2e: ")]) {
			t.Errorf("%v does not begin with the package", test.err)
		}
	}
}

func TestErrorsTimeout(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{noAnswerError("a", context.DeadlineExceeded), true},
		{noAnswerError("a", context.Canceled), false},
		{noAnswerError("a", nil), false},
		{brokerError(address.Address{}, fmt.Errorf("dial: %w", context.DeadlineExceeded)), true},
		{brokerError(address.Address{}, syscall.ECONNREFUSED), false},
		{peerSilentError(time.Minute), false},
	} {
		if got := test.err.(net.Error); got.Timeout() != test.want || got.Temporary() != test.want {
			t.Errorf("%v: Timeout() = %v", test.err, got.Timeout())
		}
	}
}
