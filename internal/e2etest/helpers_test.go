package e2etest

import (
	"context"
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
)

// dialFunc is the type of Config.DialContext.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// newConfig returns a Config with a key of its own.
func newConfig() *mqtte2e.Config { return &mqtte2e.Config{Key: mqtte2e.NewKey()} }

// endpoints returns a dialing Endpoint and a Listener of another one, with the
// name "test", that end with the test.
func endpoints(tb testing.TB, broker string, config *mqtte2e.Config) (*mqtte2e.Endpoint, *mqtte2e.Listener) {
	tb.Helper()
	dialer := endpoint(tb, broker, config)
	listener, err := endpoint(tb, broker, config).Listen(context.Background(), "test")
	if err != nil {
		tb.Fatal(err)
	}
	return dialer, listener
}

func endpoint(tb testing.TB, broker string, config *mqtte2e.Config) *mqtte2e.Endpoint {
	e := &mqtte2e.Endpoint{Broker: broker, Config: config}
	tb.Cleanup(func() { e.Close() })
	return e
}

// connect dials "test" and accepts.
func connect(dialer *mqtte2e.Endpoint, listener *mqtte2e.Listener) (dialed, accepted *mqtte2e.Conn, err error) {
	dialed, err = dialer.Dial(context.Background(), "test")
	if err != nil {
		return nil, nil, err
	}
	conn, err := listener.Accept()
	if err != nil {
		return nil, nil, err
	}
	return dialed, conn.(*mqtte2e.Conn), nil
}
