package message

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

var discard = slog.New(slog.DiscardHandler)

// TestBrokerOutage: what is given up while the broker is away is never sent, what waits is sent with the right time afterwards.
func TestBrokerOutage(t *testing.T) {
	run(t, func(d dialer) {
		device, controller := d.device("x", testKey), d.controller(testKey)
		d.broker.Stop()
		simtest.Wait()
		ctx, cancel := context.WithTimeout(d.Context(), 10*time.Second)
		defer cancel()
		err := controller.Send(ctx, []byte("given up"))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, mqtte2e.ErrBroker) || !strings.Contains(err.Error(), "not sent") {
			d.Errorf("Send without a broker: %v", err)
		}
		sent := make(chan error, 1)
		go func() { sent <- controller.Send(d.Context(), []byte("patient")) }()
		pause(d.Context(), time.Hour, nil)
		select {
		case err := <-sent:
			d.Errorf("Send returned without a broker: %v", err)
		default:
		}
		d.broker.Start()
		for !device.link.IsUp() {
			pause(d.Context(), time.Second, nil)
		}
		if err := <-sent; err != nil {
			d.Errorf("Send over an outage: %v", err)
		}
		// The controller may have been back before the device, and its message lost; a second one is not.
		d.send(controller, "again")
		ctx, cancel = context.WithTimeout(d.Context(), time.Minute)
		defer cancel()
		for m := (Message{}); string(m.Bytes) != "again"; {
			if m, err = device.Receive(ctx); err != nil {
				d.Fatal(err)
			}
			if text := string(m.Bytes); text != "patient" && text != "again" {
				d.Errorf("received %q", text)
			}
		}
		if stats := device.Stats(); stats.Reconnects != 1 || stats.WrongTime != 0 {
			d.Errorf("%+v", stats)
		}
	})
}

// TestSendWaitsForAPlace: the 65th call waits outside of the queue, and gives up with its context.
func TestSendWaitsForAPlace(t *testing.T) {
	run(t, func(d dialer) {
		controller := d.controller(testKey)
		d.broker.Stop()
		simtest.Wait()
		results := make(chan error, maxWaiting+1)
		ctx, cancel := context.WithCancel(d.Context())
		for range cap(results) {
			go func() { results <- controller.Send(ctx, []byte("ping")) }()
		}
		simtest.Wait()
		controller.outbox.mu.Lock()
		waiting := len(controller.outbox.waiting)
		controller.outbox.mu.Unlock()
		if waiting != maxWaiting {
			d.Errorf("%d messages wait, want %d", waiting, maxWaiting)
		}
		cancel()
		for range cap(results) {
			if err := <-results; !errors.Is(err, context.Canceled) {
				d.Error(err)
			}
		}
		if len(controller.outbox.waiting) != 0 || len(controller.outbox.places) != 0 {
			d.Errorf("%d messages and %d places left", len(controller.outbox.waiting), len(controller.outbox.places))
		}
	})
}

func TestClose(t *testing.T) {
	run(t, func(d dialer) {
		s, other := d.controller(testKey), d.device("x", testKey)
		d.broker.Stop()
		simtest.Wait()
		results := make(chan error, 2)
		go func() { results <- s.Send(d.Context(), []byte("ping")) }()
		go func() {
			_, err := s.Receive(d.Context())
			results <- err
		}()
		simtest.Wait()
		for range 2 {
			if err := s.Close(); err != nil {
				d.Error(err)
			}
		}
		for range 2 {
			if err := <-results; !errors.Is(err, net.ErrClosed) {
				d.Errorf("at Close: %v", err)
			}
		}
		if err := s.Send(d.Context(), nil); !errors.Is(err, net.ErrClosed) {
			d.Errorf("Send after Close: %v", err)
		}
		if _, err := s.Receive(d.Context()); !errors.Is(err, net.ErrClosed) {
			d.Errorf("Receive after Close: %v", err)
		}
		other.Close()
	})
}

// TestSendThenClose: what Send has returned nil for arrives although Close follows at once.
func TestSendThenClose(t *testing.T) {
	run(t, func(d dialer) {
		device, controller := d.device("x", testKey), d.controller(testKey)
		d.send(controller, "last words")
		controller.Close()
		d.want(device, "last words")
	})
}

func TestCanceledSend(t *testing.T) {
	run(t, func(d dialer) {
		device, controller := d.device("x", testKey), d.controller(testKey)
		ctx, cancel := context.WithCancel(d.Context())
		cancel()
		if err := controller.Send(ctx, []byte("ping")); !errors.Is(err, context.Canceled) {
			d.Error(err)
		}
		if _, err := device.Receive(ctx); !errors.Is(err, context.Canceled) {
			d.Error(err)
		}
		d.wantNothing(device)
	})
}

// TestInterrupted drives the outbox as the link does: what was being written when the connection ends may be lost, and is said to be.
func TestInterrupted(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		s := &Session{}
		o := newOutbox(&s.counts.sent)
		o.link = link.New(link.Config{MaxPayload: 100, Logger: discard}, o)
		defer o.link.Close()
		batch := link.NewBatch(100)
		send := func(parts ...part) chan error {
			result := make(chan error, 1)
			go func() { result <- o.send(t.Context(), parts) }()
			simtest.Wait()
			return result
		}
		good := part{"topic", func([]byte) (int, error) { return 1, nil }}
		bad := part{"topic", func([]byte) (int, error) { return 0, errors.New("bad") }}

		written, interrupted, failed := send(good), send(good, good), send(good, bad)
		o.mu.Lock()
		later := o.waiting[1:]
		o.waiting = o.waiting[:1]
		o.mu.Unlock()
		o.Fill(batch, time.Now())
		batch.Reset()
		o.waiting = later
		o.Fill(batch, time.Now())
		if err := <-written; err != nil || s.counts.sent.Load() != 1 {
			t.Errorf("written: %v, %d counted", err, s.counts.sent.Load())
		}
		if err := <-failed; err == nil || err.Error() != "bad" {
			t.Errorf("one of its parts failed: %v", err)
		}
		o.Down(time.Now(), 0)
		if err := <-interrupted; !errors.Is(err, mqtte2e.ErrBroker) || !strings.Contains(err.Error(), "may be lost") {
			t.Errorf("interrupted: %v", err)
		}
		batch.Reset()
		o.Fill(batch, time.Now())
		if len(batch.Bytes()) != 0 || s.counts.sent.Load() != 1 {
			t.Errorf("%d bytes are sent again, %d packets counted", len(batch.Bytes()), s.counts.sent.Load())
		}
	})
}
