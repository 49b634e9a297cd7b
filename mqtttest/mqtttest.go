// Package mqtttest provides an MQTT broker for tests: of this module, and of programs that use it, and for examples. It needs
// neither a network nor an installed broker.
//
//	func TestGreeting(t *testing.T) {
//		config := &mqtte2e.Config{Key: mqtte2e.NewKey()}
//		address := mqtttest.Broker(t) + "#thermostat"
//		listener, err := mqtte2e.Listen(t.Context(), address, config)
//		…
//		conn, err := mqtte2e.Dial(t.Context(), address, config)
//		…
//	}
package mqtttest

import (
	"fmt"
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// Broker starts an MQTT 3.1.1 and 5 broker inside the test's process, on a free port of the loopback interface, and returns
// its address, such as mqtt://127.0.0.1:40123. Append "#" and a name to address a listener; before that, a comma and the
// address of another one if there are to be several.
//
// Everyone may connect without credentials. A message may have up to 1 MiB; a subscriber that has 1,024 packets waiting
// misses the next ones, as with real brokers. The broker and all its connections end when the test and its subtests have
// ended. If it cannot start, the test fails at once, so Broker must be called on the goroutine of the test.
func Broker(tb testing.TB) (address string) {
	tb.Helper()
	address, stop, err := Start(nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	return address
}

// Start starts the same broker where there is no test, as in an example, until stop is called. saw, if not nil, is called with
// every message that comes in, from several goroutines at once; it must not keep or modify payload.
func Start(saw func(topic string, payload []byte)) (address string, stop func(), err error) {
	config := broker.Config{}
	if saw != nil {
		config.Publish = func(topic string, payload []byte) ([]byte, bool) {
			saw(topic, payload)
			return payload, true
		}
	}
	started, err := broker.New(config)
	if err != nil {
		return "", nil, fmt.Errorf("mqtttest: starting the broker: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		started.Close()
		return "", nil, fmt.Errorf("mqtttest: listening on the loopback interface: %w", err)
	}
	if err := started.Listen(listener); err != nil {
		started.Close()
		return "", nil, fmt.Errorf("mqtttest: serving: %w", err)
	}
	return "mqtt://" + listener.Addr().String(), func() { started.Close() }, nil
}
