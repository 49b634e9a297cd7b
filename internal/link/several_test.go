package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestPersist: a link that was never up goes on trying, says so once, and keeps who waits.
func TestPersist(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		embedded.Stop()
		l := newTestLink(t, testAddress, embedded.DialContext)
		var said bytes.Buffer
		l.config.Logger = slog.New(slog.NewTextHandler(&said, nil))
		if err := l.Subscribe(t.Context(), "early", l.handle); err != nil {
			t.Fatal(err)
		}
		if err := l.Connect(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("Connect before Persist: %v", err)
		}
		l.Persist()
		l.Persist()
		subscribed := make(chan error, 1)
		go func() { subscribed <- l.Subscribe(t.Context(), "late", l.handle) }()
		time.Sleep(24 * time.Hour)
		if text := said.String(); strings.Count(text, "level=INFO") != 1 || !strings.Contains(text, "broker.test:1883") {
			t.Errorf("after a day without a broker the log says %q", text)
		}
		select {
		case err := <-subscribed:
			t.Errorf("Subscribe returned without a broker: %v", err)
		default:
		}
		embedded.Start()
		l.mustConnect(t)
		if err := <-subscribed; err != nil {
			t.Errorf("Subscribe: %v", err)
		}
		for _, topic := range []string{"early", "late"} {
			l.publish(topic, "hello")
			l.want(t, topic, "hello")
		}
		if n := l.Stats().Reconnects; n != 0 {
			t.Errorf("the first connection counts as %d reconnects", n)
		}
	})
}

// TestPersistDuringAnAttempt: an attempt that was begun by Connect does not end the link when it fails.
func TestPersistDuringAnAttempt(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		embedded.Stop()
		l := newTestLink(t, testAddress, func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return embedded.DialContext(ctx, network, address)
		})
		result := make(chan error, 1)
		go func() { result <- l.Connect(context.Background()) }()
		simtest.Wait()
		l.Persist()
		time.Sleep(time.Hour)
		embedded.Start()
		if err := <-result; err != nil {
			t.Errorf("Connect: %v", err)
		}
		checkClosesAtOnce(t, l)
		l.Persist()
		if err := l.Connect(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Connect after Close: %v", err)
		}
	})
}

func TestBrokerErrors(t *testing.T) {
	a, b := address.Broker{Scheme: "mqtt", Host: "a:1", Username: "hunter2"}, address.Broker{Scheme: "mqtts", Host: "b:2"}
	certificate := &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
	err := error(BrokerErrors{{a, syscall.ECONNREFUSED}, {b, certificate}})
	if got, want := err.Error(), "mqtt://a:1: "+syscall.ECONNREFUSED.Error()+"; mqtts://b:2: "+certificate.Error(); got != want {
		t.Errorf("the error is %q, want %q", got, want)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &certificate) || errors.Is(err, io.EOF) {
		t.Error("it does not answer to its reasons, or to others")
	}
	if Permanent(err) || !Permanent(BrokerErrors{{a, certificate}, {b, &RefusedError{Permanent: true}}}) {
		t.Error("that of several brokers is not permanent exactly if all are")
	}
}
