package link

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestPingsAndLivesWhileTheBrokerAnswers(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		start := time.Now()
		for n := 1; n <= 10; n++ {
			first, _, err := broker.read()
			if at := time.Since(start); first != 0xC0 || err != nil || at != time.Duration(n)*keepAliveInterval {
				t.Fatalf("packet %#x, %v after %v; want PINGREQ number %d", first, err, at, n)
			}
			if n%2 == 0 {
				broker.send(0xD0, 0)
			} else {
				broker.send(0x30) // any byte will do, even if PINGRESP never comes
				broker.send(appendPublish(nil, 0, "ours", []byte("x"))[1:]...)
				l.want(t, "ours", "x")
			}
		}
		if !l.IsUp() {
			t.Error("the link is down")
		}
	})
}

func TestSilenceAfterPingEndsTheConnection(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, _ *script) {
		start := time.Now()
		<-l.source.down
		if took := time.Since(start); took != keepAliveInterval+answerTimeout {
			t.Errorf("an idle broker is given up after %v", took)
		}
	})
}

func TestSilenceIsNoticedSoonerWhileSending(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, _ *script) {
		start := time.Now()
		time.Sleep(time.Second)
		l.publish("topic", "anybody there?")
		<-l.source.down
		if took := time.Since(start); took != 2*answerTimeout {
			t.Errorf("a broker that takes and gives nothing is given up after %v", took)
		}
	})
}

// TestBlockedSocket has a broker that stops reading.
func TestBlockedSocket(t *testing.T) {
	large := strings.Repeat("x", testMaxPayload)
	fill := func(l *testLink) {
		for range 100 {
			l.publish("topic", large)
		}
		simtest.Wait() // the writer is stuck in the socket now
	}
	t.Run("stalled write ends the connection", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, _ *script) {
			fill(l)
			start := time.Now()
			<-l.source.down
			// The first period has seen some bytes go.
			if took := time.Since(start); took != 2*writeStall {
				t.Errorf("a stalled write ends after %v", took)
			}
		})
	})
	t.Run("slow write does not", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, broker *script) {
			fill(l)
			for range 100 {
				time.Sleep(writeStall / 2)
				broker.conn.Read(make([]byte, 1000))
				broker.send(0xD0, 0)
			}
			if !l.IsUp() {
				t.Error("a slow network ends the connection")
			}
		})
	})
	t.Run("Close does not wait for it", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, _ *script) {
			fill(l)
			start := time.Now()
			l.Close()
			if took := time.Since(start); took != farewellTimeout {
				t.Errorf("Close took %v", took)
			}
		})
	})
	t.Run("reading goes on", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, broker *script) {
			fill(l)
			broker.send(appendPublish(nil, 0, "ours", []byte("news"))...)
			l.want(t, "ours", "news")
		})
	})
}

// TestSocketOptionsAreOptional dials a connection that is no socket.
func TestSocketOptionsAreOptional(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	s := newSocket(ours)
	go s.Write([]byte("x"))
	if n, err := theirs.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Error(n, err)
	}
	s.Close()
}
