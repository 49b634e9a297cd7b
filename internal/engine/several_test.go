package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A place is several brokers, each of which can be stopped or frozen, for the Engines of a world.
type place struct {
	*world
	brokers []*simtest.EmbeddedBroker
	silence []func(bool)    // lets a broker pass nothing any more, though its clients stay connected
	passed  []*atomic.Int64 // messages that a broker was sent
	largest []*atomic.Int64 // a broker passes no larger payload, without a word; 0: any
}

// newPlace must be called inside simtest.Run. The world's rule is asked about what any broker is sent, its strangers are
// connected to the first one, and its log is of all.
func newPlace(t *testing.T, brokers int) *place {
	p := &place{world: newWorld(t)}
	for range brokers {
		silent, passed, largest := new(atomic.Bool), new(atomic.Int64), new(atomic.Int64)
		b := simtest.Broker(t, broker.Config{Publish: func(topic string, payload []byte) ([]byte, bool) {
			passed.Add(1)
			most := largest.Load()
			_, pass := p.publish(topic, payload)
			return payload, pass && !silent.Load() && (most == 0 || int64(len(payload)) <= most)
		}})
		p.brokers = append(p.brokers, b)
		p.silence = append(p.silence, silent.Store)
		p.passed = append(p.passed, passed)
		p.largest = append(p.largest, largest)
	}
	p.broker = p.brokers[0]
	return p
}

// over makes an Engine know these of the brokers, in this order.
func (p *place) over(brokers ...int) func(*Config) {
	return func(c *Config) {
		c.Brokers = nil
		for _, n := range brokers {
			c.Brokers = append(c.Brokers, address.Broker{Scheme: "mqtt", Host: fmt.Sprintf("%d.test:1883", n)})
		}
		c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			number, _, _ := strings.Cut(address, ".")
			return p.brokers[number[0]-'0'].DialContext(ctx, network, address)
		}
	}
}

// ready returns an Engine that is connected to all of its brokers that work.
func (p *place) ready(change func(*Config)) *Engine {
	e := p.engine(change)
	if err := e.start(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	simtest.Wait()
	return e
}

// listening returns a Listener that all of its brokers that work have heard of.
func (p *place) listening(change func(*Config)) *Listener {
	l := p.listen(p.ready(change))
	simtest.Wait()
	return l
}

// pairOver returns both ends of a Conn between Engines that are ready.
func (p *place) pairOver(brokers ...int) (dialed, accepted *Conn) {
	l := p.listening(p.over(brokers...))
	return p.connect(p.ready(p.over(brokers...)), l)
}

// A transfer moves a byte every 10 ms, and knows the longest time between two that arrived.
type transfer struct {
	from, to *Conn
	longest  time.Duration
	stop     chan struct{}
	done     chan struct{}
}

func startTransfer(t *testing.T, from, to *Conn) *transfer {
	return startTransferEvery(t, 10*time.Millisecond, from, to)
}

// startTransferEvery moves a byte each so often, for tests that last minutes.
func startTransferEvery(t *testing.T, pause time.Duration, from, to *Conn) *transfer {
	x := &transfer{from: from, to: to, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		for i := byte(0); ; i++ {
			select {
			case <-x.stop:
				from.CloseWrite()
				return
			case <-time.After(pause):
				if _, err := from.Write([]byte{i}); err != nil {
					t.Errorf("write: %v", err)
					return
				}
			}
		}
	}()
	go func() {
		defer close(x.done)
		last := time.Now()
		b := make([]byte, 1<<10)
		for want := byte(0); ; {
			n, err := to.Read(b)
			if err != nil {
				if err.Error() != "EOF" {
					t.Errorf("read: %v", err)
				}
				return
			}
			for _, got := range b[:n] {
				if got != want {
					t.Errorf("byte %d came, want %d", got, want)
				}
				want++
			}
			x.longest = max(x.longest, time.Since(last))
			last = time.Now()
		}
	}()
	return x
}

// end ends it and returns the longest gap.
func (x *transfer) end() time.Duration {
	close(x.stop)
	<-x.done
	return x.longest
}

func (p *place) wantMoves(want uint64, conns ...*Conn) {
	p.t.Helper()
	for i, c := range conns {
		if n := c.Stats().Moves; n != want {
			p.t.Errorf("end %d moved %d times, want %d", i, n, want)
		}
	}
}

func TestBrokerThatDiesIsLeftAtOnce(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		dialed, accepted := p.pairOver(0, 1)
		x := startTransfer(t, dialed, accepted)
		time.Sleep(time.Second)
		p.brokers[dialed.Own()].Stop()
		time.Sleep(10 * time.Second)
		if gap := x.end(); gap > 300*time.Millisecond {
			t.Errorf("nothing came for %v", gap)
		}
		p.wantMoves(1, dialed, accepted)
	})
}

func TestBrokerThatPassesNothingIsLeft(t *testing.T) {
	for _, way := range []string{"dialer sends", "listener sends"} {
		t.Run(way, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				p := newPlace(t, 2)
				dialed, accepted := p.pairOver(0, 1)
				from, to := dialed, accepted
				if way != "dialer sends" {
					from, to = accepted, dialed
				}
				x := startTransfer(t, from, to)
				time.Sleep(time.Second)
				p.silence[from.Own()](true)
				time.Sleep(10 * time.Second)
				if gap := x.end(); gap > 2*time.Second {
					t.Errorf("nothing came for %v", gap)
				}
				p.wantMoves(1, dialed, accepted)
			})
		})
	}
}

func TestListsInAnotherOrderAndWithOneInCommon(t *testing.T) {
	for _, lists := range [][2][]int{{{0, 1, 2}, {2}}, {{2}, {0, 1, 2}}, {{0, 1}, {1, 0}}, {{0, 1, 2}, {2, 3}}} {
		t.Run(fmt.Sprint(lists), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				p := newPlace(t, 4)
				l, client := p.listening(p.over(lists[1]...)), p.ready(p.over(lists[0]...))
				start := time.Now()
				dialed, accepted := p.connect(client, l)
				if took := time.Since(start); took > earlierWait {
					t.Errorf("the dial took %v", took)
				}
				p.exchange(dialed, accepted)
				time.Sleep(5 * time.Minute)
				p.exchange(accepted, dialed)
				p.wantMoves(0, dialed, accepted)
			})
		})
	}
}

func TestDialPastADeadBroker(t *testing.T) {
	for _, dead := range []int{0, 1} {
		simtest.Run(t, func(t *testing.T) {
			p := newPlace(t, 2)
			p.brokers[dead].Stop()
			l := p.listening(p.over(0, 1))
			start := time.Now()
			dialed, accepted := p.connect(p.engine(p.over(0, 1)), l)
			if took := time.Since(start); took != 0 {
				t.Errorf("with broker %d dead the dial took %v", dead, took)
			}
			p.exchange(dialed, accepted)
			p.brokers[dead].Start()
			time.Sleep(10 * time.Second)
			p.brokers[1-dead].Stop()
			p.exchange(dialed, accepted)
			p.wantMoves(1, dialed, accepted)
		})
	}
}

func TestEarlierBrokerIsTakenAgainAfterAMinute(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		dialed, accepted := p.pairOver(0, 1)
		p.exchange(dialed, accepted)
		p.brokers[0].Stop()
		p.exchange(dialed, accepted)
		time.Sleep(10 * time.Second)
		p.brokers[0].Start()
		time.Sleep(55 * time.Second)
		p.exchange(dialed, accepted)
		p.wantMoves(1, dialed, accepted)
		time.Sleep(time.Minute)
		p.exchange(dialed, accepted)
		p.wantMoves(2, dialed, accepted)
		if dialed.Own() != 0 || accepted.Own() != 0 {
			t.Errorf("they go by brokers %d and %d", dialed.Own(), accepted.Own())
		}
	})
}

func TestNoBrokerInCommon(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 4)
		p.listen(p.engine(p.over(2, 3)))
		p.brokers[1].Stop()
		_, err := p.engine(p.over(0, 1)).Dial(context.Background(), testName, nil)
		if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "0.test:1883") || !strings.Contains(err.Error(), "1.test:1883") {
			t.Errorf("the dial failed with %v", err)
		}
	})
}

func TestAllBrokersDead(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		p.brokers[0].Stop()
		p.brokers[1].Stop()
		_, err := p.engine(p.over(0, 1)).Listen(context.Background(), testName, nil)
		var all link.BrokerErrors
		if !errors.Is(err, ErrBroker) || !errors.As(err, &all) || len(all) != 2 {
			t.Errorf("the Listener failed with %v", err)
		}
	})
}

// TestClosingMovesNobody from the link that ends first to the others.
func TestClosingMovesNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		dialed, accepted := p.pairOver(0, 1)
		p.exchange(dialed, accepted)
		dialed.engine.Close()
		simtest.Wait()
		p.wantMoves(0, dialed)
	})
}

// TestLastBrokerThatDiesIsTold, and no other.
func TestLastBrokerThatDiesIsTold(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		var log simtest.Buffer
		p.ready(func(c *Config) {
			p.over(0, 1)(c)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		p.brokers[0].Stop()
		simtest.Wait()
		if strings.Contains(log.String(), "no broker is left") {
			t.Errorf("one is:\n%s", log.String())
		}
		p.brokers[1].Stop()
		simtest.Wait()
		if strings.Count(log.String(), "no broker is left") != 1 {
			t.Errorf("the log is\n%s", log.String())
		}
	})
}
