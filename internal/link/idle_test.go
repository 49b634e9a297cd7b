package link

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// mustPublishAfterPing fails the test unless the broker reads PINGREQ and a PUBLISH next.
func mustPublishAfterPing(t *testing.T, broker *script) {
	t.Helper()
	for _, want := range []byte{0xC0, 0x30} {
		if first, _, err := broker.read(); first != want || err != nil {
			t.Fatalf("the broker read packet %#x, %v; want %#x", first, err, want)
		}
	}
}

// TestFirstWriteAfterIdlingIsProved has a network that has forgotten the connection by then, or not.
func TestFirstWriteAfterIdlingIsProved(t *testing.T) {
	t.Run("forgotten", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, broker *script) {
			time.Sleep(idleAfter)
			start := time.Now()
			l.publish("topic", "keystroke")
			mustPublishAfterPing(t, broker)
			time.Sleep(time.Second)
			l.publish("topic", "another") // which is no reason to wait for longer
			<-l.source.down
			if took := time.Since(start); took != leastPatience {
				t.Errorf("the connection is given up after %v", took)
			}
		})
	})
	t.Run("answered", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, broker *script) {
			for range 100 {
				time.Sleep(idleAfter)
				l.publish("topic", "keystroke")
				mustPublishAfterPing(t, broker)
				time.Sleep(leastPatience - 1)
				broker.send(0xD0, 0)
			}
			if !l.IsUp() {
				t.Error("the link is down")
			}
		})
	})
	t.Run("pinged already", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, _ *script) {
			time.Sleep(keepAliveInterval + time.Second)
			start := time.Now()
			l.publish("topic", "keystroke")
			<-l.source.down
			if took := time.Since(start); took != leastPatience {
				t.Errorf("the connection is given up after %v", took)
			}
		})
	})
}

// TestBusyConnectionIsNotProved has an end that writes without a pause, at a broker that says nothing unless it is pinged, and
// then late.
func TestBusyConnectionIsNotProved(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		go func() {
			for {
				first, _, err := broker.read()
				if err != nil {
					return
				}
				if first == 0xC0 {
					go func() {
						time.Sleep(answerTimeout - time.Second)
						broker.send(0xD0, 0)
					}()
				}
			}
		}()
		for range 100 {
			time.Sleep(idleAfter - 1)
			l.publish("topic", "news")
		}
		if !l.IsUp() {
			t.Error("a busy connection was given up")
		}
	})
}

// TestPatienceGrowsWithTheRoundTrip has brokers that are far: CONNECT, or an earlier ping, took long.
func TestPatienceGrowsWithTheRoundTrip(t *testing.T) {
	for _, test := range []struct{ connect, ping, want time.Duration }{
		{connect: 500 * time.Millisecond, want: leastPatience},
		{connect: 2 * time.Second, want: 6 * time.Second},
		{connect: 9 * time.Second, want: answerTimeout},
		{connect: time.Second, ping: 2 * time.Second, want: 6 * time.Second},
	} {
		scripted(t, func(t *testing.T, l *testLink, broker *script) {
			go func() {
				broker.read()
				time.Sleep(test.connect)
				broker.send(0x20, 2, 0, 0)
				_, body, _ := broker.read()
				broker.send(0x90, 3, body[0], body[1], 0)
			}()
			l.mustConnect(t)
			if test.ping > 0 {
				broker.read()
				time.Sleep(test.ping)
				broker.send(0xD0, 0)
			}
			time.Sleep(idleAfter)
			start := time.Now()
			l.publish("topic", "keystroke")
			<-l.source.down
			if took := time.Since(start); took != test.want {
				t.Errorf("CONNECT took %v, a ping %v: the connection is given up after %v, want %v", test.connect, test.ping, took, test.want)
			}
		})
	}
}

// forgetful returns a DialContext to brokers that accept a connection and are silent from then on.
func forgetful(t *testing.T) dialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := simtest.Pipe()
		t.Cleanup(func() { theirs.Close() })
		go newScript(theirs).acceptConnect()
		return ours, nil
	}
}

// TestIntervalIsLearnt measures how long idle connections last that a network forgets, and that CONNECT still promises what it did.
func TestIntervalIsLearnt(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		l := newTestLink(t, testAddress, forgetful(t))
		for _, interval := range []time.Duration{30 * time.Second, 15 * time.Second, leastInterval, leastInterval} {
			l.mustConnect(t)
			start := time.Now()
			<-l.source.down
			if took := time.Since(start); took != interval+answerTimeout {
				t.Errorf("the connection lasted %v, want a ping after %v", took, interval)
			}
		}
	})
	if promised := connectPacket(&testAddress).Keepalive; promised != 30 {
		t.Errorf("CONNECT promises a packet each %d s", promised)
	}
}

// TestIntervalIsNotLearntFromABusyConnection has connections that end while something is written again and again.
func TestIntervalIsNotLearntFromABusyConnection(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		l := newTestLink(t, testAddress, forgetful(t))
		l.mustConnect(t)
		for l.IsUp() {
			l.publish("topic", "news")
			time.Sleep(time.Second)
		}
		l.Close()
		if l.pingInterval != keepAliveInterval {
			t.Errorf("the interval is %v", l.pingInterval)
		}
	})
}
