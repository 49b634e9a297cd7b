package message

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// several are brokers named a, b and c, in virtual time. All methods of dialer but dial and publish are of use.
type several struct {
	dialer
	brokers map[string]*simtest.EmbeddedBroker // by host:port
	seen    *record
	log     simtest.Buffer
}

// record is what the brokers carried, by topic, in order.
type record struct {
	mu      sync.Mutex
	packets [][]byte
}

func (r *record) add(_ string, payload []byte) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets = append(r.packets, append([]byte(nil), payload...))
	return payload, true
}

func runSeveral(t *testing.T, f func(s *several)) {
	t.Helper()
	simtest.Run(t, func(t *testing.T) {
		s := &several{dialer: dialer{T: t}, brokers: make(map[string]*simtest.EmbeddedBroker), seen: new(record)}
		for _, name := range []string{"a", "b", "c"} {
			s.brokers[name+":1883"] = simtest.Broker(t, broker.Config{Publish: s.seen.add})
		}
		f(s)
	})
}

func (s *several) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return s.brokers[address].DialContext(ctx, network, address)
}

func (s *several) at(name string) *simtest.EmbeddedBroker { return s.brokers[name+":1883"] }

// dialAt dials the brokers whose names are given, such as ab.
func (s *several) dialAt(names string, config Config) (*Session, error) {
	config.Keys, config.DialContext = []mqtte2e.Key{testKey}, s.DialContext
	config.Logger = slog.New(slog.NewTextHandler(&s.log, nil))
	session, err := Dial(s.Context(), "mqtt://"+strings.Join(strings.Split(names, ""), ",mqtt://"), &config)
	if err == nil {
		s.Cleanup(func() { session.Close() })
	}
	return session, err
}

func (s *several) must(session *Session, err error) *Session {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return session
}

func (s *several) device(names string) *Session {
	return s.must(s.dialAt(names, Config{Publish: "iot/x", Subscribe: "controller"}))
}

func (s *several) controller(names string) *Session {
	return s.must(s.dialAt(names, Config{Publish: "controller", Subscribe: "iot/#"}))
}

// up waits until so many of a session's links are up.
func (s *several) up(session *Session, want int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for up := -1; up != want && ctx.Err() == nil; pause(ctx, 10*time.Millisecond, nil) {
		up = 0
		for _, lane := range session.outbox.lanes {
			if lane.link.IsUp() {
				up++
			}
		}
	}
	if ctx.Err() != nil {
		s.Fatalf("there are never %d links up", want)
	}
}

// exchange sends there and back, and each message arrives once.
func (s *several) exchange(device, controller *Session, text string) {
	s.Helper()
	s.send(controller, text)
	s.want(device, text)
	s.send(device, text)
	s.want(controller, text)
	s.wantNothing(device)
	s.wantNothing(controller)
}

func TestSeveralBrokers(t *testing.T) {
	runSeveral(t, func(s *several) {
		device, controller := s.device("abc"), s.controller("abc")
		s.up(device, 3)
		s.up(controller, 3)
		s.exchange(device, controller, "hello")
		s.wantStats(device, Stats{Sent: 1, Received: 1})
		s.wantStats(controller, Stats{Sent: 1, Received: 1})
		if n := len(s.seen.packets); n != 6 {
			s.Errorf("the brokers carried %d packets, want both messages each", n)
		}
		if strings.Contains(s.log.String(), "level=WARN") {
			s.Errorf("the log warns: %s", s.log.String())
		}
	})
}

// TestDeadBroker: one that is dead from the start costs nothing, and is used once it comes.
func TestDeadBroker(t *testing.T) {
	runSeveral(t, func(s *several) {
		s.at("a").Stop()
		device, controller := s.device("ab"), s.controller("ab")
		s.exchange(device, controller, "without a")
		if text := s.log.String(); strings.Count(text, "no connection to the broker yet") != 2 || strings.Count(text, "host=a:1883") != 2 {
			s.Errorf("the log does not say once for each that a is away: %s", text)
		}
		s.at("a").Start()
		s.up(device, 2)
		s.up(controller, 2)
		s.exchange(device, controller, "with both")
		s.at("b").Stop()
		s.up(device, 1)
		s.up(controller, 1)
		s.exchange(device, controller, "without b")
		s.wantStats(device, Stats{Sent: 3, Received: 3})
		s.wantStats(controller, Stats{Sent: 3, Received: 3})
	})
}

// TestBrokerDiesWhileSending: what is sent while one of two dies arrives all the same, once and in order, and no Send fails.
func TestBrokerDiesWhileSending(t *testing.T) {
	for _, victim := range []string{"a", "b"} {
		runSeveral(t, func(s *several) {
			device, controller := s.device("ab"), s.controller("ab")
			s.up(device, 2)
			s.up(controller, 2)
			const messages = maxReceived // as many as may wait, should the sender be faster
			go func() {
				for i := range messages {
					if i == messages/2 {
						go s.at(victim).Stop()
					}
					s.send(controller, fmt.Sprint(i))
				}
			}()
			for i := range messages {
				s.want(device, fmt.Sprint(i))
			}
			s.wantNothing(device)
			if stats := device.Stats(); stats.Received != messages || stats.Replayed != 0 {
				s.Errorf("the device counts %+v", stats)
			}
			if n := controller.Stats().Sent; n != messages {
				s.Errorf("the controller counts %d packets, want %d", n, messages)
			}
		})
	}
}

// TestListsThatShareABroker: it is enough if there is one that both know.
func TestListsThatShareABroker(t *testing.T) {
	runSeveral(t, func(s *several) {
		device, controller := s.device("ab"), s.controller("bc")
		s.up(device, 2)
		s.up(controller, 2)
		s.exchange(device, controller, "hello")
		s.at("b").Stop()
		s.up(device, 1)
		s.send(device, "to nobody")
		s.wantNothing(controller)
		s.at("b").Start()
		s.up(device, 2)
		s.up(controller, 2)
		s.exchange(device, controller, "again")
	})
}

// TestReach waits for brokers that Dial does not wait for, and names those that do not come.
func TestReach(t *testing.T) {
	runSeveral(t, func(s *several) {
		s.at("a").Stop()
		device, controller := s.device("ab"), s.controller("abc")
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		err := controller.Reach(ctx)
		if !errors.Is(err, mqtte2e.ErrBroker) || !errors.Is(err, context.DeadlineExceeded) || strings.Count(err.Error(), "mqtt://") != 1 || !strings.Contains(err.Error(), "mqtt://a:1883: ") {
			s.Errorf("without a: %v", err)
		}
		s.at("a").Start()
		if err := controller.Reach(s.Context()); err != nil {
			s.Error(err)
		}
		s.up(controller, 3)
		s.up(device, 2)
		device.Close()
		if err := device.Reach(s.Context()); !errors.Is(err, net.ErrClosed) {
			s.Errorf("after Close: %v", err)
		}
	})
}

// TestNoBrokerUp: Send waits until one comes, whichever it is.
func TestNoBrokerUp(t *testing.T) {
	runSeveral(t, func(s *several) {
		device, controller := s.device("ab"), s.controller("ab")
		s.at("a").Stop()
		s.at("b").Stop()
		s.up(device, 0)
		s.up(controller, 0)
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		if err := controller.Send(ctx, nil); !errors.Is(err, mqtte2e.ErrBroker) || !strings.Contains(err.Error(), "not connected") {
			s.Errorf("Send without a broker: %v", err)
		}
		s.at("b").Start()
		s.up(device, 1)
		s.send(controller, "patient")
		s.want(device, "patient")
		s.wantNothing(device)
	})
}

// TestDialWithoutABroker: the error has the reason of each, once, on one line.
func TestDialWithoutABroker(t *testing.T) {
	runSeveral(t, func(s *several) {
		for _, b := range s.brokers {
			b.Stop()
		}
		_, err := s.dialAt("abc", Config{Publish: "x", Username: "ulrike77", Password: "hunter2"})
		if !errors.Is(err, mqtte2e.ErrBroker) || !errors.Is(err, syscall.ECONNREFUSED) {
			s.Fatalf("the error is %v", err)
		}
		for _, name := range []string{"mqtt://a:1883: ", "mqtt://b:1883: ", "mqtt://c:1883: "} {
			if strings.Count(err.Error(), name) != 1 {
				s.Errorf("the error does not name %q once: %v", name, err)
			}
		}
		if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "hunter2") || strings.Contains(text, "ulrike77") {
			s.Errorf("the error has several lines or a secret: %q", text)
		}
	})
}

// TestReplayIsNoCopy: the first copy by another broker is dropped in silence, anything more is counted.
func TestReplayIsNoCopy(t *testing.T) {
	runSeveral(t, func(s *several) {
		device, controller := s.device("ab"), s.controller("a")
		s.up(device, 2)
		s.send(controller, "hello")
		s.want(device, "hello")
		packet := s.seen.packets[0]
		for _, step := range []struct {
			broker   string
			replayed uint64
		}{{"b", 0}, {"b", 1}, {"a", 2}, {"b", 3}} {
			dialer{s.T, s.at(step.broker)}.publish(Topic(testKey, "controller"), packet)
			s.wantStats(device, Stats{Received: 1, Replayed: step.replayed})
		}
		s.wantNothing(device)
	})
}

func TestBogusPacketsByTwoBrokers(t *testing.T) {
	runSeveral(t, func(s *several) {
		device, controller := s.device("ab"), s.controller("ab")
		s.up(device, 2)
		s.up(controller, 2)
		if err := controller.SendBogus(s.Context(), []byte("ping")); err != nil {
			s.Fatal(err)
		}
		s.want(device, "ping")
		s.wantNothing(device)
		s.wantStats(device, Stats{Received: 1, Forged: 2, Malformed: 4, WrongVersion: 2, WrongTime: 4, Replayed: 2})
		s.wantStats(controller, Stats{Sent: 8})
	})
}

// TestOwnPacketsByTwoBrokers: a Session that listens to what it sends refuses it, and counts it once.
func TestOwnPacketsByTwoBrokers(t *testing.T) {
	runSeveral(t, func(s *several) {
		own := s.must(s.dialAt("ab", Config{Publish: "iot/x", Subscribe: "#"}))
		s.up(own, 2)
		s.send(own, "ping")
		s.wantNothing(own)
		s.wantStats(own, Stats{Sent: 1, Replayed: 1})
	})
}
