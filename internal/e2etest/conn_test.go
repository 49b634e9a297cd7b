package e2etest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// pipes returns what nettest.TestConn wants: a function that makes connected
// pairs over a broker. All pairs share one Endpoint at each end.
func pipes(t *testing.T, broker string, config *mqtte2e.Config) nettest.MakePipe {
	t.Helper()
	dialer, listener := endpoints(t, broker, config)
	return func() (net.Conn, net.Conn, func(), error) {
		c1, c2, err := connect(dialer, listener)
		if err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	}
}

func TestConn(t *testing.T) {
	t.Run("embedded broker", func(t *testing.T) {
		nettest.TestConn(t, pipes(t, mqtttest.Broker(t), newConfig()))
	})
	t.Run("Mosquitto", func(t *testing.T) {
		nettest.TestConn(t, pipes(t, simtest.Mosquitto(t).Address, newConfig()))
	})
	t.Run("faulty", func(t *testing.T) {
		config := newConfig()
		config.DialContext = faulty(simtest.FaultConfig{Seed: 1, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05})
		nettest.TestConn(t, pipes(t, mqtttest.Broker(t), config))
	})
}

// faulty returns a DialContext whose connections have faults, each of them
// others.
func faulty(faults simtest.FaultConfig) dialFunc {
	var seed atomic.Uint64
	seed.Store(faults.Seed)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		own := faults
		own.Seed = seed.Add(1)
		return simtest.Faulty(conn, own), nil
	}
}
