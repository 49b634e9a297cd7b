package mqtte2e_test

import (
	"context"
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// pipe returns a function that makes connected pairs over a broker, as
// nettest.TestConn wants it. All pairs share one Endpoint at each end.
func pipe(t *testing.T, broker string, change func(*mqtte2e.Config)) nettest.MakePipe {
	config := &mqtte2e.Config{Key: mqtte2e.NewKey()}
	if change != nil {
		change(config)
	}
	dialer := &mqtte2e.Endpoint{Broker: broker, Config: config}
	server := &mqtte2e.Endpoint{Broker: broker, Config: config}
	listener, err := server.Listen(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dialer.Close()
		server.Close()
	})
	return func() (c1, c2 net.Conn, stop func(), err error) {
		if c1, err = dialer.Dial(context.Background(), "test"); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = listener.Accept(); err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	}
}

func TestConn(t *testing.T) {
	t.Run("embedded broker", func(t *testing.T) {
		nettest.TestConn(t, pipe(t, mqtttest.Broker(t), nil))
	})
}

var _ = simtest.Run
