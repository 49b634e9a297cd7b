package message

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

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
		for !device.outbox.lanes[0].link.IsUp() {
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
		waiting := len(controller.outbox.queue)
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
		if len(controller.outbox.queue) != 0 || len(controller.outbox.places) != 0 {
			d.Errorf("%d messages and %d places left", len(controller.outbox.queue), len(controller.outbox.places))
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

// outboxTest drives an outbox as links do that are up.
type outboxTest struct {
	*testing.T
	*outbox
	batch *link.Batch
	sent  atomic.Uint64
}

func withOutbox(t *testing.T, lanes int, f func(o *outboxTest)) {
	t.Helper()
	simtest.Run(t, func(t *testing.T) {
		o := &outboxTest{T: t, batch: link.NewBatch(testPayload)}
		o.outbox = newOutbox(&o.sent)
		for range lanes {
			lane := o.addLane()
			lane.link = link.New(link.Config{MaxPayload: testPayload, Logger: slog.New(slog.DiscardHandler)}, lane)
			defer lane.link.Close()
			lane.Up(time.Now())
		}
		f(o)
	})
}

// testPayload makes a packet that fills a batch.
const testPayload = 300 << 10

// good returns parts of testPayload bytes each.
func good(n int) []part {
	return slices.Repeat([]part{{"topic", func(room []byte) (int, error) { return len(room), nil }}}, n)
}

// sending begins to send, and returns where the outcome will be.
func (o *outboxTest) sending(ctx context.Context, parts []part) <-chan error {
	result := make(chan error, 1)
	go func() { result <- o.send(ctx, parts) }()
	simtest.Wait()
	return result
}

// write has the next batch of a link filled, as it is when the batch before was written.
func (o *outboxTest) write(lane int) (bytes int) {
	o.batch.Reset()
	o.lanes[lane].Fill(o.batch, time.Now())
	return len(o.batch.Bytes())
}

// down ends the connection of a link, and up begins the next one.
func (o *outboxTest) down(lane int) { o.lanes[lane].Down(time.Now(), false) }
func (o *outboxTest) up(lane int)   { o.lanes[lane].Up(time.Now()) }

// TestInterrupted: what was being written when the connection ends may be lost, is said to be, and is not sent again.
func TestInterrupted(t *testing.T) {
	withOutbox(t, 1, func(o *outboxTest) {
		written := o.sending(o.Context(), good(1))
		halfWritten := o.sending(o.Context(), good(3))
		patient := o.sending(o.Context(), good(1))
		o.write(0)
		o.write(0)
		if err := <-written; err != nil {
			o.Errorf("written: %v", err)
		}
		o.write(0)
		o.down(0)
		if err := <-halfWritten; !errors.Is(err, mqtte2e.ErrBroker) || !strings.Contains(err.Error(), "may be lost") {
			o.Errorf("half written: %v", err)
		}
		o.up(0)
		o.write(0)
		o.down(0)
		if err := <-patient; !errors.Is(err, mqtte2e.ErrBroker) {
			o.Errorf("interrupted after the reconnect: %v", err)
		}
		o.up(0)
		if bytes := o.write(0); bytes != 0 || o.sent.Load() != 2 {
			o.Errorf("%d bytes are sent again; %d packets are counted, want 2", bytes, o.sent.Load())
		}
	})
}

// TestGivenUpTooLate: what had begun when its context ended may have been sent, and the error says so.
func TestGivenUpTooLate(t *testing.T) {
	withOutbox(t, 1, func(o *outboxTest) {
		ctx, cancel := context.WithCancel(o.Context())
		begun, notBegun := o.sending(ctx, good(2)), o.sending(ctx, good(1))
		o.write(0)
		cancel()
		if err := <-begun; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may be lost") {
			o.Errorf("half written: %v", err)
		}
		if err := <-notBegun; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not sent") {
			o.Errorf("not begun: %v", err)
		}
		if bytes := o.write(0); bytes != 0 {
			o.Errorf("%d bytes are sent although given up", bytes)
		}
	})
}

// TestPartFails: an error of sealing is the caller's, and the next message goes out.
func TestPartFails(t *testing.T) {
	withOutbox(t, 1, func(o *outboxTest) {
		failure := errors.New("no random bytes")
		failed := o.sending(o.Context(), []part{{"topic", func([]byte) (int, error) { return 0, failure }}})
		next := o.sending(o.Context(), good(1))
		o.write(0)
		o.write(0)
		if err := <-failed; err != failure {
			o.Errorf("its part failed: %v", err)
		}
		if err := <-next; err != nil || o.sent.Load() != 1 {
			o.Errorf("the next one: %v, %d packets counted", err, o.sent.Load())
		}
	})
}

// TestLinkDiesWhileAnotherWrites: what one link was writing when it died is no loss while another has it, too.
func TestLinkDiesWhileAnotherWrites(t *testing.T) {
	withOutbox(t, 2, func(o *outboxTest) {
		sent := o.sending(o.Context(), good(2))
		o.write(0)
		o.write(1)
		o.down(0)
		o.write(1)
		o.write(1)
		if err := <-sent; err != nil || o.sent.Load() != 2 {
			o.Errorf("sent by the other link: %v, %d packets counted", err, o.sent.Load())
		}
		o.up(0)
		sent = o.sending(o.Context(), good(1))
		o.write(0)
		o.down(0)
		o.write(1)
		o.write(1)
		if err := <-sent; err != nil {
			o.Errorf("sent by the link that had not begun: %v", err)
		}
		o.up(0)
		sent = o.sending(o.Context(), good(1))
		o.write(0)
		o.down(1)
		o.down(0)
		if err := <-sent; !errors.Is(err, mqtte2e.ErrBroker) || !strings.Contains(err.Error(), "may be lost") {
			o.Errorf("both links died while it was written: %v", err)
		}
		o.up(1)
		if bytes := o.write(1); bytes != 0 || len(o.queue) != 0 || o.kept != 0 {
			o.Errorf("%d bytes are sent again, %d packets and %d bytes are left", bytes, len(o.queue), o.kept)
		}
	})
}

// TestSlowLink: a link that writes nothing holds nobody up, and what is kept for it is bounded.
func TestSlowLink(t *testing.T) {
	withOutbox(t, 2, func(o *outboxTest) {
		const packets = 2 * maxKept / testPayload
		for range packets {
			sent := o.sending(o.Context(), good(1))
			o.write(0)
			o.write(0)
			if err := <-sent; err != nil {
				o.Fatal(err)
			}
			if o.kept > maxKept || o.kept != len(o.queue)*testPayload {
				o.Fatalf("%d packets are kept, %d bytes", len(o.queue), o.kept)
			}
		}
		copies := 0
		for o.write(1) > 0 {
			copies++
		}
		if copies != maxKept/testPayload || len(o.queue) != 0 || o.kept != 0 || o.sent.Load() != packets {
			o.Errorf("%d copies are sent, %d packets and %d bytes left, %d counted", copies, len(o.queue), o.kept, o.sent.Load())
		}
	})
}

// TestLinkThatComesLate publishes what another one has not written yet, and nothing older.
func TestLinkThatComesLate(t *testing.T) {
	withOutbox(t, 2, func(o *outboxTest) {
		o.down(1)
		written := o.sending(o.Context(), good(1))
		o.write(0)
		o.write(0)
		if err := <-written; err != nil {
			o.Error(err)
		}
		o.down(0)
		waiting := o.sending(o.Context(), good(1))
		o.up(1)
		if bytes := o.write(1); bytes < testPayload || bytes >= 2*testPayload {
			o.Errorf("%d bytes are sent, want one packet", bytes)
		}
		o.write(1)
		if err := <-waiting; err != nil || o.sent.Load() != 2 {
			o.Errorf("%v, %d packets counted", err, o.sent.Load())
		}
		o.up(0)
		if bytes := o.write(0); bytes != 0 {
			o.Errorf("%d bytes are sent again", bytes)
		}
	})
}

// TestNoCopiesAfterAnOutage: what one link has written is not sent again when all went down before the other one got to it.
func TestNoCopiesAfterAnOutage(t *testing.T) {
	withOutbox(t, 2, func(o *outboxTest) {
		sent := o.sending(o.Context(), good(1))
		o.write(0)
		o.write(0)
		if err := <-sent; err != nil {
			o.Error(err)
		}
		o.down(0)
		o.down(1)
		o.up(1)
		if bytes := o.write(1); bytes != 0 || o.kept != 0 {
			o.Errorf("%d bytes are sent again, %d are kept", bytes, o.kept)
		}
	})
}

// TestWithdrawnFromAllLinks: what its caller gave up is not sent by the other link either.
func TestWithdrawnFromAllLinks(t *testing.T) {
	withOutbox(t, 2, func(o *outboxTest) {
		ctx, cancel := context.WithCancel(o.Context())
		begun := o.sending(ctx, good(1))
		o.write(0)
		cancel()
		if err := <-begun; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may be lost") {
			o.Errorf("given up: %v", err)
		}
		if bytes := o.write(1); bytes != 0 || o.kept != 0 {
			o.Errorf("the other link sends %d bytes, %d are kept", bytes, o.kept)
		}
	})
}
