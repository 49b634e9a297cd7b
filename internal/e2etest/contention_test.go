package e2etest

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestManySendersOneQueue has 20 processes' worth of dialers send at once to
// one listener, for which the broker queues 200 packets.
func TestManySendersOneQueue(t *testing.T) {
	broker := simtest.Mosquitto(t, "max_queued_messages 200")
	config := newConfig()
	listener, err := endpoint(t, broker.Address, config).Listen(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	const senders = 20
	var dialed, accepted [senders]*mqtte2e.Conn
	for i := range senders {
		dialed[i], accepted[i], err = connect(endpoint(t, broker.Address, config), listener)
		if err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	var transfers [senders]*transfer
	for i := range senders {
		transfers[i] = startTransfer(dialed[i], accepted[i], size(8e6))
	}
	for _, transfer := range transfers {
		transfer.waitFor(size(8e6) - 1)
	}
	elapsed := time.Since(start)
	for _, transfer := range transfers {
		transfer.check(t)
	}
	var sent, again uint64
	for _, c := range dialed {
		sent += c.Stats().PacketsSent
		again += c.Stats().Retransmitted
	}
	t.Logf("%d senders of %d MB each took %v; %d of %d packets retransmitted", senders, size(8e6)/1e6, elapsed, again, sent)
}

// TestWriteWriteRead checks that two small writes before a read cost no more
// than one: the way in which Nagle's algorithm and delayed acknowledgements
// stall each other costs 40 ms a turn.
func TestWriteWriteRead(t *testing.T) {
	broker := simtest.Mosquitto(t)
	dialer, listener := endpoints(t, broker.Address, newConfig())
	client, server, err := connect(dialer, listener)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		request := make([]byte, 2)
		for {
			if _, err := io.ReadFull(server, request); err != nil {
				return
			}
			server.Write(request)
		}
	})
	turn := func(writes ...string) time.Duration {
		start := time.Now()
		for _, w := range writes {
			if _, err := io.WriteString(client, w); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadFull(client, make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	var one, two []time.Duration
	for range 200 {
		one = append(one, turn("ab"))
		two = append(two, turn("a", "b"))
	}
	t.Logf("median of one write and a read: %v, of two and a read: %v; the worst: %v and %v", median(one), median(two), slices.Max(one), slices.Max(two))
	if median(two) > 4*median(one) {
		t.Errorf("a second write makes a turn take %v instead of %v", median(two), median(one))
	}
	client.Close()
	serving.Wait()
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
