package link

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// outbound writes to the broker: what the Source fills into the batch, the run loop's packets, and pings. It is the only
// writer, and writes whole batches. Everything belongs to the writer goroutine but what says otherwise.
type outbound struct {
	c         *connection
	batch     *Batch
	keepAlive keepAlive
	unsent    unsent
	fence     fence

	isUp    atomic.Bool // the Source knows; set by the run loop
	mu      sync.Mutex  // guards control
	control []byte      // packets of the run loop: CONNECT, or SUBSCRIBE and UNSUBSCRIBE for each subscription once at most
}

func newOutbound(c *connection) *outbound {
	w := &outbound{c: c, batch: c.link.batch, unsent: newUnsent(c.transport.socket.bound)}
	w.keepAlive = keepAlive{interval: c.link.pingInterval, lastWrite: c.inbound.start}
	w.batch.Reset()
	w.batch.limit = batchLimit
	c.link.largest.begin()
	return w
}

// push hands packets to the writer. It may be called from any goroutine.
func (w *outbound) push(packets []byte) {
	w.mu.Lock()
	w.control = append(w.control, packets...)
	w.mu.Unlock()
	w.c.link.Wake()
}

// run writes until the connection ends. Its error is never nil.
func (w *outbound) run() error {
	timer := time.NewTimer(keepAliveInterval)
	defer timer.Stop()
	for {
		next, err := w.writeAll()
		if err != nil {
			return err
		}
		timer.Reset(time.Until(next))
		select {
		case <-w.c.failed:
			return ErrClosed // somebody else knows the reason
		case <-w.c.link.ctx.Done():
		case <-w.c.link.wake:
		case <-timer.C:
		}
	}
}

// writeAll writes batches until there is nothing to write, and returns when to look again without being woken. When the link
// is closed, the next batch is the last.
func (w *outbound) writeAll() (next time.Time, err error) {
	for {
		now := time.Now()
		next, ping, dead := w.keepAlive.update(now, w.c.inbound.lastHeard(), w.c.inbound.connectTook())
		if dead {
			return next, w.silent()
		}
		closing := w.c.link.ctx.Err() != nil
		ping, data := w.fill(now, w.c.transport.pongDue.Swap(false) || ping, closing)
		if len(w.batch.Bytes()) == 0 {
			return next, nil
		}
		if err := w.write(now, ping, data); err != nil {
			return next, err
		}
		if closing {
			return next, ErrClosed
		}
	}
}

// silent ends the connection of a broker that did not answer a ping.
func (w *outbound) silent() error {
	k := &w.keepAlive
	w.c.link.pingInterval = k.learn()
	return fmt.Errorf("the broker has been silent for %v after a ping", k.answerBy.Sub(k.pinged).Round(time.Second))
}

// fill collects the next batch, and tells whether a ping and whether data are in it. The ping comes first, so that a slow network
// does not delay its answer by the data; DISCONNECT comes last.
func (w *outbound) fill(now time.Time, ping, closing bool) (pings, data bool) {
	w.batch.Reset()
	largest := &w.c.link.largest
	ask, hold := w.fence.stands(now, !closing && w.isUp.Load() && w.controlWaits(), largest.pings, w.c.inbound.pongs.Load())
	if !hold {
		w.batch.appendControl(w.takeControl()...)
		if w.isUp.Load() {
			w.c.link.source.Fill(w.batch, now)
		}
	}
	if w.batch.largest > 0 {
		w.fence.lastData = now
	}
	data = len(w.batch.Bytes()) > 0
	ping = ping || ask || data && w.keepAlive.pingsWithData(now)
	if ping {
		largest.pings++
		w.batch.prependControl(packets.Pingreq<<4, 0)
	}
	if largest.wrote(w.batch.largest, w.c.inbound.pongs.Load()) {
		largest.pings++
		w.batch.appendControl(packets.Pingreq<<4, 0)
	}
	if closing {
		w.batch.appendControl(encode(packets.NewControlPacket(packets.Disconnect))...)
	}
	return ping, data
}

func (w *outbound) controlWaits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.control) > 0
}

func (w *outbound) takeControl() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	control := w.control
	w.control = nil
	return control
}

// write writes the batch at once. now is a time before it.
func (w *outbound) write(now time.Time, ping, data bool) error {
	start := time.Now()
	if _, err := w.c.transport.Write(w.batch.Bytes()); err != nil {
		return fmt.Errorf("writing to the broker: %w", err)
	}
	end := time.Now()
	w.unsent.wrote(len(w.batch.Bytes()), end.Sub(start))
	w.batch.limit = w.unsent.batch()
	w.keepAlive.wrote(now, end, ping, data)
	return nil
}
