package e2etest

import (
	"fmt"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// TestTransferOverFaultyLinks sends both ways at once while the broker does to
// messages what it must not.
func TestTransferOverFaultyLinks(t *testing.T) {
	for i, faults := range []simtest.FaultConfig{
		{Loss: 0.2},
		{Duplicate: 0.5},
		{Reorder: 0.5},
		{Corrupt: 0.05},
		{MaxPayload: 16 << 10},
		{Delay: 50 * time.Millisecond, Loss: 0.01},
		{Loss: 0.05, Duplicate: 0.05, Reorder: 0.05, Corrupt: 0.05},
	} {
		faults.Seed = uint64(100 * i)
		t.Run(fmt.Sprintf("%+v", faults), func(t *testing.T) {
			t.Parallel()
			config := newConfig()
			config.DialContext = faulty(faults)
			dialed, accepted, err := connect(endpoints(t, mqtttest.Broker(t), config))
			if err != nil {
				t.Fatal(err)
			}
			there, back := startTransfer(dialed, accepted, size(2e6)), startTransfer(accepted, dialed, size(2e6))
			there.check(t)
			back.check(t)
		})
	}
}
