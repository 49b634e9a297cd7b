package link

import (
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestLargest plays connections: what was published on each, how many answers came to PINGREQ, and whether the broker hung
// up in the end.
func TestLargest(t *testing.T) {
	const small, medium, large = smallPacket, 16 << 10, 32 << 10
	type connection struct {
		sizes   []int
		answers uint64 // 100: to each PINGREQ, at once
		hungUp  bool
	}
	refuses := connection{[]int{large}, 0, true}
	takes := connection{[]int{large}, 100, true}
	for name, test := range map[string]struct {
		connections []connection
		twice       bool // the last one; no other may
	}{
		"refused once":                 {[]connection{refuses}, false},
		"refused twice":                {[]connection{refuses, refuses}, true},
		"taken between":                {[]connection{refuses, takes, refuses}, false},
		"taken":                        {[]connection{takes, takes, takes}, false},
		"nothing large between":        {[]connection{refuses, {[]int{small}, 0, true}, refuses}, true},
		"only small ones":              {[]connection{{[]int{small}, 0, true}, {[]int{small}, 0, true}}, false},
		"the network failed":           {[]connection{{[]int{large}, 0, false}, {[]int{large}, 0, false}}, false},
		"medium taken, large refused":  {[]connection{{[]int{medium, large}, 1, true}, {[]int{medium, large}, 1, true}}, true},
		"medium refused behind larger": {[]connection{refuses, {[]int{medium}, 0, true}}, true},
		"grew while asked":             {[]connection{refuses, {[]int{small, medium, large, large}, 1, true}}, true},
		"another answer is awaited":    {[]connection{refuses, {[]int{large, large}, 0, true}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := new(largest)
			for i, c := range test.connections {
				l.begin()
				for _, size := range c.sizes {
					if l.wrote(size, min(l.pings, c.answers)) {
						l.pings++
					}
				}
				if twice := l.ended(min(l.pings, c.answers), c.hungUp); twice != (test.twice && i == len(test.connections)-1) {
					t.Errorf("after connection %d: %v", i+1, twice)
				}
			}
		})
	}
}

// TestPingsOncePerSize has full packets whose sizes differ by little, and a keep-alive's PINGREQ before.
func TestPingsOncePerSize(t *testing.T) {
	l := &largest{pings: 1}
	asked := 0
	for n := range 1000 {
		if l.wrote(30_000+n%10, 1) {
			l.pings++
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times before the answer", asked)
	}
	if !l.wrote(0, 2) || l.taken != 30_000 || l.asked != 30_009 {
		t.Errorf("after the answer: %+v", *l)
	}
}

// TestBrokerThatHangsUpOnLargePackets is told of once, and gets small packets from then on.
func TestBrokerThatHangsUpOnLargePackets(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const connections = 4
		ours, theirs := make([]net.Conn, connections), make([]net.Conn, connections)
		for i := range ours {
			ours[i], theirs[i] = simtest.Pipe()
			defer theirs[i].Close()
		}
		l := newTestLink(t, testAddress, dialTo(ours...))
		var log simtest.Buffer
		l.Link.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		l.mustSubscribe(t, "ours")
		for i, conn := range theirs {
			broker := newScript(conn)
			go broker.accept("")
			l.mustConnect(t)
			if got := l.PayloadLimit("ours"); (got == testMaxPayload) != (i < 2) || got < 4000 {
				t.Fatalf("connection %d: payloads of %d bytes", i+1, got)
			}
			l.publish("topic", strings.Repeat("x", smallPacket+1))
			if _, body, err := broker.read(); len(body) < smallPacket || err != nil {
				t.Fatal(len(body), err)
			}
			if ping, _, _ := broker.read(); ping != 0xC0 {
				t.Fatalf("%#x follows a large packet, want PINGREQ", ping)
			}
			conn.Close()
			<-l.source.down
		}
		if n := strings.Count(log.String(), "MaxMessageSize"); n != 1 {
			t.Errorf("it was told %d times:\n%s", n, log.String())
		}
	})
}

// TestMosquittoThatHangsUpOnLargePackets takes what is smaller than its limit, and all that comes once the link knows.
func TestMosquittoThatHangsUpOnLargePackets(t *testing.T) {
	u, err := url.Parse(simtest.Mosquitto(t, "max_packet_size 20000").Address)
	if err != nil {
		t.Fatal(err)
	}
	l := newTestLink(t, address.Broker{Scheme: "mqtt", Host: u.Host}, nil)
	l.mustSubscribe(t, "topic")
	l.mustConnect(t)
	for range 2 {
		medium := strings.Repeat("m", 16<<10)
		l.publish("topic", medium)
		l.want(t, "topic", medium)
		if got := l.PayloadLimit("topic"); got != testMaxPayload {
			t.Fatalf("payloads of %d bytes too early", got)
		}
		l.publish("topic", strings.Repeat("x", 30<<10))
		<-l.source.down
		l.mustConnect(t)
	}
	small := strings.Repeat("s", l.PayloadLimit("topic"))
	l.publish("topic", small)
	l.want(t, "topic", small)
	if len(small) > smallPacket || l.Stats().Reconnects != 2 {
		t.Errorf("payloads of %d bytes after %d reconnects", len(small), l.Stats().Reconnects)
	}
}
