package link

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// scripted runs f with a link that is to connect, and to subscribe to "ours", at a broker that does what f tells it.
func scripted(t *testing.T, f func(t *testing.T, l *testLink, broker *script)) {
	simtest.Run(t, func(t *testing.T) {
		ours, theirs := simtest.Pipe()
		defer theirs.Close()
		l := newTestLink(t, testAddress, dialTo(ours))
		l.mustSubscribe(t, "ours")
		f(t, l, newScript(theirs))
	})
}

// hostile is scripted with a link that is up.
func hostile(t *testing.T, f func(t *testing.T, l *testLink, broker *script)) {
	scripted(t, func(t *testing.T, l *testLink, broker *script) {
		go broker.accept("")
		l.mustConnect(t)
		f(t, l, broker)
	})
}

func TestHostilePacketsThatAreReadOver(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		// 256 MB are announced and never held in memory.
		broker.send(appendHeader(nil, header{packets.Publish, 0, maxLength})...)
		broker.send(0, 4, 'o', 'u', 'r', 's')
		zeros := make([]byte, 1<<20)
		for left := maxLength - 6; left > 0; left -= len(zeros) {
			broker.send(zeros[:min(left, len(zeros))]...)
		}
		broker.send(appendPublish(nil, 1, "ours", []byte("retained"))...)
		broker.send(appendPublish(nil, 2, "ours", []byte("\x00\x01QoS 1"))...)
		broker.send(appendPublish(nil, 4, "ours", []byte("\x00\x02QoS 2"))...)
		broker.send(appendPublish(nil, 0, "theirs", []byte("wrong topic"))...)
		broker.send(appendPublish(nil, 0, "our", []byte("s"))...)
		broker.send(appendPublish(nil, 0, "", []byte("no topic"))...)
		broker.send(appendPublish(nil, 0, "ours", []byte("good"))...)
		l.want(t, "ours", "good")
		if stats := l.Stats(); stats.Oversize != 1 || stats.Dropped != 6 {
			t.Errorf("%+v; want 1 oversize and 6 dropped", stats)
		}
	})
}

func TestHostilePacketsThatEndTheConnection(t *testing.T) {
	for name, packet := range map[string][]byte{
		"SUBACK with two return codes for one filter": {0x90, 4, 0, 1, 0, 0},
		"SUBACK for nothing":                          {0x90, 3, 0, 99, 0},
		"SUBACK of 256 MB":                            {0x90, 0xFF, 0xFF, 0xFF, 0x7F},
		"QoS 3":                                       {0x36, 8, 0, 4, 'o', 'u', 'r', 's', 0, 1},
		"length not in the shortest form":             {0x30, 0x86, 0x00, 0, 4, 'o', 'u', 'r', 's'},
		"length of five bytes":                        {0x30, 0x80, 0x80, 0x80, 0x80, 0x01},
		"CONNACK again":                               {0x20, 2, 0, 0},
		"PUBREL":                                      {0x62, 2, 0, 1},
		"SUBSCRIBE":                                   {0x82, 5, 0, 1, 0, 0, 0},
		"flood of UNSUBACK":                           []byte(strings.Repeat("\xB0\x02\x00\x01", 1_000_000)),
	} {
		t.Run(name, func(t *testing.T) {
			hostile(t, func(t *testing.T, l *testLink, broker *script) {
				broker.send(packet...)
				if rest, err := io.ReadAll(broker.in); err != nil || len(rest) != 0 {
					t.Fatalf("read %q, %v; want the end of the connection", rest, err)
				}
				<-l.source.down
				if l.IsUp() {
					t.Error("the link is up")
				}
			})
		})
	}
}

// TestSubAckWithTooManyCodes is the packet that crashes a process with paho's client, in answer to a real SUBSCRIBE.
func TestSubAckWithTooManyCodes(t *testing.T) {
	scripted(t, func(t *testing.T, l *testLink, broker *script) {
		go func() {
			broker.acceptConnect()
			_, body, _ := broker.read()
			broker.send(0x90, 4, body[0], body[1], 0, 0)
		}()
		if err := l.Connect(context.Background()); !errors.Is(err, errMalformed) {
			t.Errorf("Connect: %v", err)
		}
	})
}

func TestRefusedSubscription(t *testing.T) {
	for name, hangUp := range map[string]bool{"stays": false, "hangs up": true} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, l *testLink, broker *script) {
				l.mustSubscribe(t, "forbidden")
				go func() {
					broker.accept("forbidden")
					if hangUp {
						broker.conn.Close()
					}
				}()
				err := l.Connect(context.Background())
				var refused *RefusedError
				if !errors.As(err, &refused) || !Permanent(err) || !strings.Contains(err.Error(), "forbidden") {
					t.Errorf("Connect: %v", err)
				}
			})
		})
	}
}

func TestRefusedSubscriptionOfALinkThatIsUp(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		go func() {
			_, body, _ := broker.read()
			broker.send(0x90, 3, body[0], body[1], 0x80)
		}()
		var refused *RefusedError
		if err := l.Subscribe(context.Background(), "forbidden", l.handle); !errors.As(err, &refused) {
			t.Errorf("Subscribe: %v", err)
		}
		broker.send(appendPublish(nil, 0, "forbidden", []byte("x"))...)
		broker.send(appendPublish(nil, 0, "ours", []byte("good"))...)
		l.want(t, "ours", "good")
	})
}

func TestBrokerThatDoesNotAnswer(t *testing.T) {
	for name, answer := range map[string]func(*script){
		"no CONNACK": func(s *script) { s.read() },
		"no SUBACK":  func(s *script) { s.acceptConnect() },
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, l *testLink, broker *script) {
				go answer(broker)
				start := time.Now()
				if err := l.Connect(context.Background()); err == nil || time.Since(start) != answerTimeout {
					t.Errorf("Connect returned after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

func TestCONNACKRefusalsAreTold(t *testing.T) {
	for code, permanent := range map[byte]bool{1: true, 2: false, 3: false, 4: true, 5: true} {
		scripted(t, func(t *testing.T, l *testLink, broker *script) {
			go func() {
				broker.read()
				broker.send(0x20, 2, 0, code)
				broker.conn.Close()
			}()
			err := l.Connect(context.Background())
			var refused *RefusedError
			if !errors.As(err, &refused) || Permanent(err) != permanent {
				t.Errorf("CONNACK %d: %v", code, err)
			}
		})
	}
}

func TestClientIDIsPortable(t *testing.T) {
	scripted(t, func(t *testing.T, l *testLink, broker *script) {
		result := make(chan error)
		go func() { result <- l.Connect(context.Background()) }()
		first, body, err := broker.read()
		if err != nil || first != 0x10 || string(body[:10]) != "\x00\x04MQTT\x04\x02\x00\x1e" {
			t.Fatalf("CONNECT begins with %#x % x, %v; want MQTT 3.1.1, a clean session and 30 s", first, body[:10], err)
		}
		id := string(body[12:])
		if len(id) != 23 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Errorf("the client identifier is %q", id)
		}
		broker.conn.Close()
		if err := <-result; !errors.Is(err, io.EOF) {
			t.Errorf("Connect: %v", err)
		}
	})
}
