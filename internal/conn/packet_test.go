package conn

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

func statsOf(e *end) stream.Stats {
	stats := e.Stats().Stats
	return stats
}

// inject has an end receive a packet of its peer's that no stream would make.
func (e *end) inject(plaintext []byte) stream.Received {
	simtest.Wait() // the Sealer and the Opener belong to the other goroutines
	packet := make([]byte, len(plaintext)+record.Overhead)
	e.other.seal.Next(time.Now())
	e.other.seal.Seal(packet, plaintext)
	return e.Receive(0, packet, time.Now())
}

// TestPeerThatBreaksTheProtocol is told so, and the application why.
func TestPeerThatBreaksTheProtocol(t *testing.T) {
	for name, plaintext := range map[string][]byte{
		"no frame":       {0xff},
		"beyond credit":  wire.AppendFin(nil, 1<<40),
		"an unsent ACK":  wire.AppendAck(nil, &wire.Ack{Ranges: []wire.Range{{Smallest: 1 << 20, Largest: 1 << 20}}}),
		"another packet": append(wire.AppendFin(nil, 5), wire.AppendFin(nil, 6)...),
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t)
				a.write(t, "last words")
				b.write(t, "unread")
				simtest.Wait()
				b.inject(plaintext)
				b.wantDid(t, "time-wait")
				b.read(t, "last words")
				_, err := b.Read(make([]byte, 1))
				if err == nil || !strings.HasPrefix(err.Error(), "the peer broke the protocol: ") {
					t.Errorf("Read: %v", err)
				}
				// If the peer hears at the same time of a packet that only this test has sent, that is an error of its own.
				if got, err := a.readAll(); got != "unread" || err == nil || name == "no frame" && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("the peer read %q, %v", got, err)
				}
				b.inject(wire.AppendPing(nil)) // which is not refused
				if _, again := b.Write([]byte("x")); again == nil || again.Error() != err.Error() {
					t.Errorf("Write: %v", again)
				}
			})
		})
	}
}

// TestPacketsThatDoNotAuthenticate are counted, change nothing, and do not count for
// signs of life.
func TestPacketsThatDoNotAuthenticate(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		var kept []byte
		a.set(func(packet []byte) bool { kept = append(kept[:0], packet...); return false })
		a.write(t, "x")
		simtest.Wait()
		before := statsOf(b)
		for _, size := range []int{len(kept), len(kept) - 1, record.Overhead, 0} {
			forged := append([]byte{}, kept[:size]...)
			if size > 0 {
				forged[size-1] ^= 1
			}
			if got := b.Receive(0, forged, time.Now()); got != (stream.Received{}) {
				t.Errorf("%+v", got)
			}
		}
		if got := b.Receive(0, append([]byte{}, kept...), time.Now()); !got.Data {
			t.Errorf("the packet itself brought %+v", got)
		}
		b.Receive(0, append([]byte{}, kept...), time.Now()) // again
		stats, rejected := b.Stats(), b.Stats().Rejected
		if before.PacketsReceived++; stats.PacketsReceived != before.PacketsReceived || rejected != 5 {
			t.Errorf("%d packets more than one, %d rejected", stats.PacketsReceived-before.PacketsReceived, rejected)
		}
		b.Discard()
		b.Receive(0, append([]byte{}, kept...), time.Now())
		if rejected := b.Stats().Rejected; rejected != 6 {
			t.Errorf("%d rejected after the end", rejected)
		}
	})
}

// TestHalfOpenConnRefusesStrangers, and ends after half a minute.
func TestHalfOpenConnRefusesStrangers(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		_, b := pair(t)
		b.Start(time.Now())
		b.Receive(0, make([]byte, 100), time.Now())
		time.Sleep(30*time.Second - 1)
		b.wantDid(t)
		time.Sleep(time.Nanosecond)
		b.wantDid(t, "forget")
	})
}

// TestPacketsAreAsLargeAsThePathTakes, and not shorter than the padding.
func TestPacketsAreAsLargeAsThePathTakes(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const pad, limit = 300, 4 << 10
		a, b := connected(t, func(c *Config) { c.PadSize = pad })
		var sizes []int
		a.set(func(packet []byte) bool { sizes = append(sizes, len(packet)-record.Overhead); return true })
		text := fmt.Sprintf("%100000d", 1)
		for _, most := range []int{maxPacket, limit} {
			a.up(0, most)
			sizes = nil
			go a.Write([]byte(text))
			b.read(t, text)
			simtest.Wait()
			largest := 0
			for _, n := range sizes {
				if largest = max(largest, n); n < pad || n > most {
					t.Errorf("a packet of %d bytes", n)
				}
			}
			if largest < most-most/8 {
				t.Errorf("the largest packet has %d bytes, where %d pass", largest, most)
			}
		}
	})
}

// TestReceivedTellsWhatItBrought of acknowledgements and data.
func TestReceivedTellsWhatItBrought(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, _ := connected(t)
		if got := a.inject(wire.AppendPing(nil)); got != (stream.Received{}) {
			t.Errorf("a PING: %+v", got)
		}
		if got := a.inject(append(wire.AppendStreamHeader(nil, 0, 1), 'x')); got != (stream.Received{Data: true}) {
			t.Errorf("a byte: %+v", got)
		}
	})
}
