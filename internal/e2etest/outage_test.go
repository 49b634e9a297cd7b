package e2etest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// connected returns both ends of a Conn, each on lines that the test can break
// and that dial makes; nil makes them as usual.
func connected(t *testing.T, broker string, config *mqtte2e.Config, dial dialFunc) (dialed, accepted *mqtte2e.Conn, lines [2]*simtest.Lines) {
	t.Helper()
	var configs [2]mqtte2e.Config
	for i := range lines {
		lines[i] = &simtest.Lines{Dial: dial}
		configs[i] = *config
		configs[i].DialContext = lines[i].DialContext
	}
	listener, err := endpoint(t, broker, &configs[1]).Listen(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	dialed, accepted, err = connect(endpoint(t, broker, &configs[0]), listener)
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted, lines
}

// size returns how many bytes to transfer, or how many Conns to make: full, or
// less in short mode and where everything is slow.
func size(full int64) int64 {
	if testing.Short() || simtest.Race {
		return full / 4
	}
	return full
}

func TestBrokerKilledDuringTransfer(t *testing.T) {
	t.Parallel()
	for _, direction := range []string{"to listener", "to dialer"} {
		t.Run(direction, func(t *testing.T) {
			t.Parallel()
			broker := simtest.Mosquitto(t)
			from, to, _ := connected(t, broker.Address, newConfig(), nil)
			if direction == "to dialer" {
				from, to = to, from
			}
			transfer := startTransfer(from, to, size(100e6))
			transfer.waitFor(size(100e6) * 2 / 5)
			broker.Kill()
			<-time.After(2 * time.Second)
			broker.Restart()
			back := time.Now()
			before := transfer.waitFor(0)
			transfer.waitFor(before)
			t.Logf("data flowed %v after the broker was back", time.Since(back))
			transfer.check(t)
			if from.Stats().Reconnects != 1 || to.Stats().Reconnects != 1 {
				t.Errorf("%d and %d reconnects, want 1 and 1", from.Stats().Reconnects, to.Stats().Reconnects)
			}
		})
	}
}

// TestCutTwentyTimes cuts the TCP connection of either side again and again.
// That must not be taken for a broker that hangs up on large messages.
func TestCutTwentyTimes(t *testing.T) {
	t.Parallel()
	const (
		cuts   = 20
		length = 150_000_000 // more than can be on its way at each cut
		packet = 60 << 10
	)
	from, to, lines := connected(t, simtest.Mosquitto(t).Address, newConfig(), nil)
	random := rand.New(rand.NewPCG(1, 2))
	transfer := startTransfer(from, to, length)
	for done := 0; done < cuts; {
		at := transfer.waitFor(0) + random.Int64N(500e3)
		if transfer.waitFor(at) <= at {
			t.Fatalf("the transfer ended after %d cuts", done)
		}
		done += lines[random.IntN(2)].Cut() // 0 while that side reconnects
	}
	transfer.check(t)
	stats := from.Stats()
	t.Logf("%d and %d reconnects, %d of %d packets retransmitted", stats.Reconnects, to.Stats().Reconnects, stats.Retransmitted, stats.PacketsSent)
	if stats.PacketsSent > 4*length/packet {
		t.Errorf("%d bytes took %d packets", length, stats.PacketsSent)
	}
}

// TestHalfDeadSocket makes one direction of one side's connection to the broker
// swallow everything without an error, in virtual time: the link finds out
// within its keep-alive, or the broker within its own.
func TestHalfDeadSocket(t *testing.T) {
	for _, test := range []struct {
		name string
		kill func(sender, receiver *simtest.Lines)
	}{
		{"sender's way out", func(sender, _ *simtest.Lines) { sender.SwallowOut() }},
		{"sender's way in", func(sender, _ *simtest.Lines) { sender.SwallowIn() }},
		{"receiver's way out", func(_, receiver *simtest.Lines) { receiver.SwallowOut() }},
		{"receiver's way in", func(_, receiver *simtest.Lines) { receiver.SwallowIn() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				broker := simtest.Broker(t)
				from, to, lines := connected(t, simtest.Address, newConfig(), broker.DialContext)
				transferOverHalfDeadSocket(t, from, to, func() { test.kill(lines[0], lines[1]) })
			})
		})
	}
}

// TestHalfDeadSocketOfMosquitto does one of them for real.
func TestHalfDeadSocketOfMosquitto(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the keep-alive of the link")
	}
	t.Parallel()
	from, to, lines := connected(t, simtest.Mosquitto(t).Address, newConfig(), nil)
	transferOverHalfDeadSocket(t, from, to, lines[0].SwallowIn)
}

func transferOverHalfDeadSocket(t *testing.T, from, to *mqtte2e.Conn, kill func()) {
	t.Helper()
	transfer := startTransfer(from, to, size(20e6))
	transfer.waitFor(size(20e6) / 2)
	kill()
	dead := time.Now()
	transfer.check(t)
	t.Logf("complete %v after the direction died; %d and %d reconnects", time.Since(dead), from.Stats().Reconnects, to.Stats().Reconnects)
}

// TestBrokerGoneForTooLong checks that neither end takes a lost peer for the
// end of the stream.
func TestBrokerGoneForTooLong(t *testing.T) {
	t.Parallel()
	broker := simtest.Mosquitto(t)
	config := newConfig()
	config.PeerTimeout = 2 * time.Second
	dialed, accepted, _ := connected(t, broker.Address, config, nil)
	broker.Kill()
	for _, c := range []*mqtte2e.Conn{dialed, accepted} {
		if got, err := io.ReadAll(c); !errors.Is(err, mqtte2e.ErrPeerGone) || len(got) > 0 {
			t.Errorf("%v reads %q, %v", c.LocalAddr(), got, err)
		}
		if _, err := c.Write([]byte("hello")); !errors.Is(err, mqtte2e.ErrPeerGone) {
			t.Errorf("%v writes: %v", c.LocalAddr(), err)
		}
	}
}

// TestBrokerComesLate has an Endpoint whose broker is not there yet, and then
// goes away once more: each time it serves again without being made anew.
func TestBrokerComesLate(t *testing.T) {
	broker, config := simtest.Mosquitto(t), newConfig()
	dialer, server := endpoint(t, broker.Address, config), endpoint(t, broker.Address, config)
	broker.Kill()
	if _, err := dialer.Dial(t.Context(), "test"); !errors.Is(err, mqtte2e.ErrBroker) {
		t.Errorf("dialing without a broker: %v", err)
	}
	if _, err := server.Listen(t.Context(), "test"); !errors.Is(err, mqtte2e.ErrBroker) {
		t.Errorf("listening without a broker: %v", err)
	}
	broker.Restart()
	listener, err := server.Listen(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	go simtest.Echo(listener)
	for range 2 {
		conn, err := dialer.Dial(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		broker.Restart()
		if err := checkEcho(conn); err != nil {
			t.Error(err)
		}
	}
}
