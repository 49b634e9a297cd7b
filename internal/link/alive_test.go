package link

import (
	"context"
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

// slowConn is a connection whose writes return some time after their bytes have arrived, as on a busy machine: the answer has
// been read by then.
type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	time.Sleep(time.Millisecond)
	return n, err
}

func TestAnswerInsideTheWriteCounts(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		ours, theirs := simtest.Pipe()
		defer theirs.Close()
		broker := newScript(theirs)
		l := newTestLink(t, testAddress, dialTo(slowConn{ours}))
		l.mustSubscribe(t, "ours")
		go broker.accept("")
		l.mustConnect(t)
		start := time.Now()
		for n := 1; n <= 10; n++ {
			first, _, err := broker.read()
			if at := time.Since(start).Round(time.Second); first != 0xC0 || err != nil || at != time.Duration(n)*keepAliveInterval {
				t.Fatalf("packet %#x, %v after %v; want PINGREQ number %d", first, err, at, n)
			}
			broker.send(0xD0, 0)
		}
		time.Sleep(answerTimeout)
		if _, downs := l.source.counts(); downs != 0 {
			t.Error("a broker that answered every ping at once was given up")
		}
	})
}

// TestIdleLinksLast has eight links without anything to say at a broker that answers each ping.
func TestIdleLinksLast(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		broker := simtest.Broker(t)
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := broker.DialContext(ctx, network, address)
			return slowConn{conn}, err
		}
		links := make([]*testLink, 8)
		for i := range links {
			links[i] = newTestLink(t, testAddress, dial)
			links[i].source.down = make(chan struct{}, 24*60*60) // a second at least passes from one cut to the next
			links[i].mustSubscribe(t, "ours")
			links[i].mustConnect(t)
		}
		day := 24 * time.Hour
		if simtest.Race {
			day /= 24 // virtual hours are cheap without it only
		}
		time.Sleep(day)
		for i, l := range links {
			if cut := l.Stats().Reconnects; cut != 0 || !l.IsUp() {
				t.Errorf("link %d was cut %d times in a day", i, cut)
			}
			l.Close()
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
			if took := time.Since(start); took != 2*answerTimeout {
				t.Errorf("a stalled write ends after %v", took)
			}
		})
	})
	t.Run("slow write does not", func(t *testing.T) {
		hostile(t, func(t *testing.T, l *testLink, broker *script) {
			fill(l)
			for range 100 {
				time.Sleep(answerTimeout / 2)
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
			if took := time.Since(start); took != disconnectTimeout {
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
