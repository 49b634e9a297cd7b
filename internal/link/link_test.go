package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// startBroker runs an embedded broker that serves with the given method on a loopback port.
func startBroker(t testing.TB, config broker.Config, listen func(*broker.Broker, net.Listener) error) (hostPort string) {
	t.Helper()
	b, err := broker.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listen(b, listener); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// overTLS makes a serving method serve TLS, and returns a client configuration that trusts it.
func overTLS(t testing.TB, listen func(*broker.Broker, net.Listener) error) (func(*broker.Broker, net.Listener) error, *tls.Config) {
	t.Helper()
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	serverConfig := &tls.Config{Certificates: server.TLS.Certificates}
	clientConfig := server.Client().Transport.(*http.Transport).TLSClientConfig
	return func(b *broker.Broker, inner net.Listener) error {
		return listen(b, tls.NewListener(inner, serverConfig))
	}, clientConfig
}

// exchange sends messages of many sizes from one link to another.
func exchange(t *testing.T, sender, receiver *testLink) {
	t.Helper()
	receiver.mustSubscribe(t, "to/receiver")
	receiver.mustConnect(t)
	sender.mustConnect(t)
	var payloads []string
	for _, size := range []int{1, 2, 100, 115, 116, 127, 128, 1000, 16_371, 16_372, 16_384, testMaxPayload} {
		payloads = append(payloads, strings.Repeat("x", size))
	}
	sender.publish("to/receiver", payloads...)
	for _, payload := range payloads {
		receiver.want(t, "to/receiver", payload)
	}
}

func TestEveryScheme(t *testing.T) {
	listen, listenWebSocket := (*broker.Broker).Listen, (*broker.Broker).ListenWebSocket
	for _, test := range []struct {
		scheme string
		listen func(*broker.Broker, net.Listener) error
	}{{"mqtt", listen}, {"mqtts", listen}, {"ws", listenWebSocket}, {"wss", listenWebSocket}} {
		t.Run(test.scheme, func(t *testing.T) {
			var tlsConfig *tls.Config
			if strings.HasSuffix(test.scheme, "s") && test.scheme != "ws" {
				test.listen, tlsConfig = overTLS(t, test.listen)
			}
			address := address.Broker{Scheme: test.scheme, Path: "/mqtt?x=y", Username: "user", Password: "secret"}
			address.Host = startBroker(t, broker.Config{Username: "user", Password: "secret"}, test.listen)
			sender, receiver := newTestLink(t, address, nil), newTestLink(t, address, nil)
			sender.config.TLSConfig, receiver.config.TLSConfig = tlsConfig, tlsConfig
			exchange(t, sender, receiver)
		})
	}
}

func TestMosquitto(t *testing.T) {
	u, err := url.Parse(simtest.Mosquitto(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	address := address.Broker{Scheme: "mqtt", Host: u.Host}
	exchange(t, newTestLink(t, address, nil), newTestLink(t, address, nil))
}

func TestRefusedCredentialsArePermanentAndNotQuoted(t *testing.T) {
	address := address.Broker{Scheme: "mqtt", Username: "someuser", Password: "wrongpassword"}
	address.Host = startBroker(t, broker.Config{Username: "someuser", Password: "secret"}, (*broker.Broker).Listen)
	err := newTestLink(t, address, nil).Connect(context.Background())
	var refused *RefusedError
	if !errors.As(err, &refused) || !Permanent(err) {
		t.Fatalf("Connect: %v; want a permanent RefusedError", err)
	}
	for _, secret := range []string{"someuser", "wrongpassword"} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("the error quotes %s: %v", secret, err)
		}
	}
}

func TestCertificateThatDoesNotVerifyIsPermanent(t *testing.T) {
	for _, scheme := range []string{"mqtts", "wss"} {
		listen, _ := overTLS(t, (*broker.Broker).Listen)
		address := address.Broker{Scheme: scheme, Host: startBroker(t, broker.Config{}, listen), Path: "/mqtt"}
		if err := newTestLink(t, address, nil).Connect(context.Background()); !Permanent(err) {
			t.Errorf("%s: Connect: %v; want a permanent error", scheme, err)
		}
	}
}

func TestFirstAttemptFailsAtOnceAndALaterConnectTriesAgain(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		embedded.Stop()
		l := newTestLink(t, testAddress, embedded.DialContext)
		start := time.Now()
		err := l.Connect(context.Background())
		if err == nil || Permanent(err) || time.Since(start) != 0 {
			t.Fatalf("Connect returned %v after %v", err, time.Since(start))
		}
		embedded.Start()
		l.mustConnect(t)
		if !l.IsUp() {
			t.Error("the link is not up after Connect")
		}
	})
}

func TestWildcardsGoToTheirHandlerWithTheTopic(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		l := newTestLink(t, testAddress, simtest.Broker(t).DialContext)
		l.mustConnect(t)
		l.mustSubscribe(t, "base/iot/#")
		l.publish("base/iot/kitchen/lamp", "on")
		l.want(t, "base/iot/kitchen/lamp", "on")
		l.publish("base/iot", "parent")
		l.want(t, "base/iot", "parent")
	})
}

func TestUnsubscribe(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		l := newTestLink(t, testAddress, simtest.Broker(t).DialContext)
		l.mustConnect(t)
		l.mustSubscribe(t, "a", "b")
		l.Unsubscribe("a")
		simtest.Wait()
		l.publish("a", "lost")
		l.publish("b", "arrives")
		l.want(t, "b", "arrives")
		// Back again, and away and back in one breath: the last word counts.
		l.mustSubscribe(t, "a")
		l.Unsubscribe("a")
		l.mustSubscribe(t, "a")
		simtest.Wait()
		l.publish("a", "again")
		l.want(t, "a", "again")
		if dropped := l.Stats().Dropped; dropped != 0 {
			t.Errorf("%d messages dropped: the broker still sends what was unsubscribed", dropped)
		}
	})
}

// TestUnsubscribeEndsAWaitingSubscribe has a broker that does not answer.
func TestUnsubscribeEndsAWaitingSubscribe(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		result := make(chan error)
		go func() { result <- l.Subscribe(context.Background(), "slow", l.handle) }()
		if _, _, err := broker.read(); err != nil {
			t.Fatal(err)
		}
		l.Unsubscribe("slow")
		if err := <-result; !errors.Is(err, errUnsubscribed) {
			t.Errorf("Subscribe: %v", err)
		}
	})
}

func TestSubscribeTwiceOrMalformedIsAnError(t *testing.T) {
	l := newTestLink(t, testAddress, dialTo())
	l.mustSubscribe(t, "a/b")
	for _, topic := range []string{"a/b", "", "a/#/b", "a+", "#a", "nul\x00", strings.Repeat("x", MaxTopic+1)} {
		if err := l.Subscribe(context.Background(), topic, l.handle); err == nil {
			t.Errorf("Subscribe(%.20q) succeeds", topic)
		}
	}
}

func TestManySubscriptionsSurviveAReconnect(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		l := newTestLink(t, testAddress, embedded.DialContext)
		var topics []string
		for i := range 3*filtersPerSubscribe + 1 {
			topics = append(topics, fmt.Sprint("topic/", i))
		}
		l.mustSubscribe(t, topics[:10]...)
		l.mustConnect(t)
		l.mustSubscribe(t, topics[10:]...)
		embedded.Stop()
		embedded.Start()
		simtest.Wait()
		l.mustConnect(t)
		for _, topic := range topics {
			l.publish(topic, "hello")
			l.want(t, topic, "hello")
		}
		if ups, downs := l.source.counts(); ups != 2 || downs != 1 || l.Stats().Reconnects != 1 {
			t.Errorf("%d times up, %d times down, %d reconnects", ups, downs, l.Stats().Reconnects)
		}
	})
}

func TestMethodsAfterClose(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		l := newTestLink(t, testAddress, simtest.Broker(t).DialContext)
		l.mustConnect(t)
		l.Close()
		l.Close()
		if err := l.Connect(context.Background()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Connect: %v", err)
		}
		if err := l.Subscribe(context.Background(), "a", l.handle); !errors.Is(err, ErrClosed) {
			t.Errorf("Subscribe: %v", err)
		}
		if ups, downs := l.source.counts(); ups != 1 || downs != 1 || l.IsUp() {
			t.Errorf("%d times up, %d times down, up: %v", ups, downs, l.IsUp())
		}
		l.Wake()
		l.Unsubscribe("a")
	})
}

func TestCloseSaysGoodbye(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		l.publish("topic", "last words")
		l.Close()
		if got := broker.readAll(); !strings.HasSuffix(got, "last words\xe0\x00") {
			t.Errorf("the broker read %q; want the last words and DISCONNECT", got)
		}
	})
}
