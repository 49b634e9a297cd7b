// Package mqtttest provides an MQTT broker for tests: of this module, and of programs that use it. It needs neither a
// network nor an installed broker.
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
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// Broker starts an MQTT 3.1.1 and 5 broker inside the test's process, on a free port of the loopback interface, and returns
// its address, such as mqtt://127.0.0.1:40123. Append "#" and a name to address a listener.
//
// Everyone may connect without credentials. A message may have up to 1 MiB; a subscriber that has 1,024 packets waiting
// misses the next ones, as with real brokers. The broker and all its connections end when the test and its subtests have
// ended. If it cannot start, the test fails at once, so Broker must be called on the goroutine of the test.
func Broker(tb testing.TB) (address string) {
	tb.Helper()
	started, err := broker.New(broker.Config{})
	if err != nil {
		tb.Fatalf("mqtttest: starting the broker: %v", err)
	}
	tb.Cleanup(func() { started.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("mqtttest: listening on the loopback interface: %v", err)
	}
	if err := started.Listen(listener); err != nil {
		tb.Fatalf("mqtttest: serving: %v", err)
	}
	return "mqtt://" + listener.Addr().String()
}
