package mqtte2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// brokerFailure is how the engine reports a cause about the broker.
func brokerFailure(cause error) error {
	return &engine.Error{Kind: ErrBroker, Cause: cause, Text: cause.Error()}
}

func TestBrokerErrorsHaveHints(t *testing.T) {
	broker, err := address.Parse("mqtts://ulrike77:hunter2@h")
	if err != nil {
		t.Fatal(err)
	}
	certificate := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	for _, test := range []struct {
		cause error
		texts []string
	}{
		{syscall.ECONNREFUSED, []string{"mqtts://h:8883", "refused", "check that the broker runs"}},
		{&net.DNSError{Err: "no such host", Name: "h"}, []string{"no such host", "DNS"}},
		{certificate, []string{"TLSConfig"}},
		{tls.RecordHeaderError{Msg: "not TLS"}, []string{"does not speak TLS"}},
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), []string{"allow more time"}},
		{fmt.Errorf("TLS: %w", os.ErrDeadlineExceeded), []string{"allow more time"}},
		{errors.New("not authorized"), []string{"not authorized", "user and password"}},
	} {
		err := withHint(brokerFailure(test.cause), broker)
		if !errors.Is(err, ErrBroker) {
			t.Errorf("%v is no ErrBroker", err)
		}
		if cause := errors.Unwrap(fmt.Errorf("%w", test.cause)); !errors.Is(err, cause) {
			t.Errorf("%v does not answer to its cause", err)
		}
		for _, text := range test.texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%v: want %q in it", err, text)
			}
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ulrike77") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

// TestErrorOfSeveralBrokers: each has its own hint, on one line.
func TestErrorOfSeveralBrokers(t *testing.T) {
	a, err := address.Parse("mqtts://ulrike77:hunter2@h,ws://i/?hunter2")
	if err != nil {
		t.Fatal(err)
	}
	refused := &link.RefusedError{Reason: "access: check it"}
	err = withHint(brokerFailure(link.BrokerErrors{{Broker: a.Brokers[0], Err: syscall.ECONNREFUSED}, {Broker: a.Brokers[1], Err: refused}}), a)
	want := "mqtts://h:8883: " + syscall.ECONNREFUSED.Error() + ": check that the broker runs, and the port; ws://i:80: " + refused.Error()
	if got := err.(*engine.Error).Text; got != want {
		t.Errorf("the error says\n%s, want\n%s", got, want)
	}
	if !errors.Is(err, ErrBroker) || !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &refused) {
		t.Errorf("%v does not answer to its causes", err)
	}
}

func TestErrorsOfOtherKindsStay(t *testing.T) {
	refused := &engine.Error{Kind: ErrRefused, Text: "busy"}
	for _, err := range []error{refused, io.ErrClosedPipe, nil} {
		if got := withHint(err, address.Address{}); got != err {
			t.Errorf("withHint(%v) = %v", err, got)
		}
	}
}

func TestErrorsTimeout(t *testing.T) {
	for _, test := range []struct {
		cause error
		want  bool
	}{
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), true},
		{syscall.ECONNREFUSED, false},
	} {
		got := withHint(brokerFailure(test.cause), address.Address{}).(net.Error)
		if got.Timeout() != test.want {
			t.Errorf("%v: Timeout() = %v", got, got.Timeout())
		}
	}
}
