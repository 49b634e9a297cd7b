package link

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestDripEndsTheConnection has a broker that sends a byte of a packet every 9 s, soon enough to answer every ping.
func TestDripEndsTheConnection(t *testing.T) {
	const pause = 9 * time.Second
	endless := appendHeader(nil, header{packets.Publish, 0, maxLength})
	for name, begin := range map[string][]byte{
		"message":                   appendPublish(nil, 0, "ours", make([]byte, testMaxPayload))[:1000],
		"oversize message":          append(bytes.Clone(endless), "\x00\x04ours"...),
		"message for nobody":        append(bytes.Clone(endless), "\x00\x06theirs"...),
		"topic":                     append(bytes.Clone(endless), "\x00\x80ours"...),
		"header":                    {0x30},
		"packet that is no PUBLISH": {0x90, maxControl},
	} {
		t.Run(name, func(t *testing.T) {
			hostile(t, func(t *testing.T, l *testLink, broker *script) {
				broker.send(append(appendPublish(nil, 0, "ours", []byte("before")), begin...)...)
				l.want(t, "ours", "before")
				start := time.Now()
				for i := 0; l.IsUp() && i < 100; i++ {
					time.Sleep(pause)
					broker.send("\x81\x81\x81\x01"[i%4]) // what a header may go on with
					simtest.Wait()
				}
				if took := time.Since(start); took != 4*pause {
					t.Errorf("the connection ended after %v, want it with the first byte after %v", took, stallTimeout)
				}
			})
		})
	}
}

// TestPausesMustBeMadeUpFor has a broker that pauses for 9 s again and again, and sends a bit less in between than is due.
func TestPausesMustBeMadeUpFor(t *testing.T) {
	const pause = 9 * time.Second
	due := int(pause / byteProgress)
	for burst, want := range map[int]bool{due / 2: false, due: true} {
		hostile(t, func(t *testing.T, l *testLink, broker *script) {
			broker.send(appendHeader(nil, header{packets.Publish, 0, maxLength})...)
			for range 20 {
				broker.send(make([]byte, burst)...)
				time.Sleep(pause)
			}
			if l.IsUp() != want {
				t.Errorf("with %d bytes every %v the link is up: %v, want %v", burst, pause, l.IsUp(), want)
			}
		})
	}
}

// TestSlowLinkIsNoStall has messages that take minutes because of the link.
func TestSlowLinkIsNoStall(t *testing.T) {
	for name, test := range map[string]struct{ size, rate int }{ // bytes, bits/s
		"64 kbit/s":           {1 << 20, 64_000},
		"64 kbit/s, oversize": {8 << 20, 64_000},
		"2.4 kbit/s":          {32 << 10, 2400},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, l *testLink, broker *script) {
				l.config.MaxPayload = 1 << 20
				l.readBuffer = newReadBuffer(l.config.MaxPayload)
				go broker.accept("")
				l.mustConnect(t)
				payload := strings.Repeat("x", test.size)
				for segment := range slices.Chunk(appendPublish(nil, 0, "ours", []byte(payload)), 1000) {
					time.Sleep(time.Duration(len(segment)*8) * time.Second / time.Duration(test.rate))
					broker.send(segment...)
				}
				broker.send(appendPublish(nil, 0, "ours", []byte("after"))...)
				if test.size <= l.config.MaxPayload {
					l.want(t, "ours", payload)
				}
				l.want(t, "ours", "after")
			})
		})
	}
}
