package e2etest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// addressOf returns the address of several brokers.
func addressOf(brokers ...*simtest.MosquittoBroker) string {
	var all []string
	for _, b := range brokers {
		all = append(all, b.Address)
	}
	return strings.Join(all, ",")
}

// joined returns two Mosquittos, of which one passes everything on to the other, and back.
func joined(t *testing.T) (first, second *simtest.MosquittoBroker) {
	t.Helper()
	first = simtest.Mosquitto(t)
	second = simtest.Mosquitto(t, "connection bridge", fmt.Sprintf("address 127.0.0.1:%d", first.Port), "topic # both 0", "restart_timeout 1 2")
	return first, second
}

// meet returns both ends of a Conn whose ends have addresses of their own.
func meet(t *testing.T, dialer, server string) (dialed, accepted *mqtte2e.Conn) {
	t.Helper()
	config := newConfig()
	listener, err := endpoint(t, server, config).Listen(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	dialed, accepted, err = connect(endpoint(t, dialer, config), listener)
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

// once checks that no packet came twice, which the replay window refuses. Stream data may, after a loss that was none.
func once(t *testing.T, ends ...*mqtte2e.Conn) {
	t.Helper()
	for _, c := range ends {
		if s := c.Stats(); s.Rejected > 0 || s.Duplicates > s.PacketsReceived/10 {
			t.Errorf("%v: of %d packets %d were refused, and %d brought nothing new", c.LocalAddr(), s.PacketsReceived, s.Rejected, s.Duplicates)
		}
	}
}

// exchange sends so many bytes each way within a minute, and checks what arrives.
func exchange(t *testing.T, a, b *mqtte2e.Conn, size int64) {
	t.Helper()
	want, _ := hashOf(content(size))
	stuck := time.AfterFunc(time.Minute, func() { a.Reset() })
	defer stuck.Stop()
	var both sync.WaitGroup
	for _, way := range [][2]*mqtte2e.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			if _, err := io.Copy(struct{ io.Writer }{way[0]}, content(size)); err != nil {
				t.Errorf("sending: %v", err)
			}
		})
		both.Go(func() {
			if got, err := hashOf(io.LimitReader(way[1], size)); err != nil || got != want {
				t.Errorf("what arrived is not what was sent; %v", err)
			}
		})
	}
	both.Wait()
}

// TestJoinedBrokers has two brokers that pass everything on to each other, as the nodes of a cluster do.
func TestJoinedBrokers(t *testing.T) {
	t.Parallel()
	for name, addresses := range map[string]func(first, second *simtest.MosquittoBroker) (dialer, server string){
		"each end at another one": func(first, second *simtest.MosquittoBroker) (dialer, server string) {
			return first.Address, second.Address
		},
		"both ends at both": func(first, second *simtest.MosquittoBroker) (dialer, server string) {
			return addressOf(first, second), addressOf(second, first)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dialer, server := addresses(joined(t))
			dialed, accepted := meet(t, dialer, server)
			exchange(t, dialed, accepted, size(20e6))
			once(t, dialed, accepted)
		})
	}
}

// TestBrokersKilledInTurn kills both brokers of an address, one after the other, each under a transfer.
func TestBrokersKilledInTurn(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (first, second *simtest.MosquittoBroker){
		"apart": func(t *testing.T) (first, second *simtest.MosquittoBroker) {
			return simtest.Mosquitto(t), simtest.Mosquitto(t)
		},
		"joined": joined,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := start(t)
			dialed, accepted := meet(t, addressOf(first, second), addressOf(first, second))
			exchange(t, dialed, accepted, 1e6)
			for _, dying := range []*simtest.MosquittoBroker{first, second} {
				quarter := accepted.Stats().BytesReceived + uint64(size(20e6))/4
				ctx, cancel := context.WithCancel(t.Context())
				killed := make(chan time.Time, 1)
				go func() {
					awaitReceived(ctx, accepted, quarter)
					dying.Kill()
					killed <- time.Now()
				}()
				exchange(t, dialed, accepted, size(20e6))
				cancel()
				t.Logf("done %v after the broker was killed", time.Since(<-killed))
				dying.Restart()
			}
			if dialed.Stats().Moves+accepted.Stats().Moves == 0 {
				t.Error("the Conn did not move")
			}
		})
	}
}

// awaitReceived waits until so many bytes of a Conn arrived, or ctx ends.
func awaitReceived(ctx context.Context, c *mqtte2e.Conn, n uint64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c.Stats().BytesReceived < n && ctx.Err() == nil {
		<-tick.C
	}
}

// TestConnOverTwoBrokers is TestConn over two brokers, and over the one of them that lives.
func TestConnOverTwoBrokers(t *testing.T) {
	t.Run("alive", func(t *testing.T) {
		nettest.TestConn(t, pipes(t, addressOf(simtest.Mosquitto(t), simtest.Mosquitto(t)), newConfig()))
	})
	t.Run("first one dead", func(t *testing.T) {
		first, second := simtest.Mosquitto(t), simtest.Mosquitto(t)
		first.Kill()
		nettest.TestConn(t, pipes(t, addressOf(first, second), newConfig()))
	})
}

// TestOneBrokerInCommon finds a listener by the only one of three brokers that it knows.
func TestOneBrokerInCommon(t *testing.T) {
	for shared := range 3 {
		t.Run(fmt.Sprint(shared), func(t *testing.T) {
			brokers := []string{mqtttest.Broker(t), mqtttest.Broker(t), mqtttest.Broker(t)}
			dialed, accepted := meet(t, strings.Join(brokers, ","), brokers[shared]+","+mqtttest.Broker(t))
			exchange(t, dialed, accepted, size(5e6))
			once(t, dialed, accepted)
		})
	}
}

// TestNoBrokerInCommonOfTwoProcesses has a dialer and a listener, in processes of their own, that know different brokers.
func TestNoBrokerInCommonOfTwoProcesses(t *testing.T) {
	config := newConfig()
	_, output := child(t, "listen", mqtttest.Broker(t)+","+mqtttest.Broker(t)+"#child", config)
	if line, err := output.ReadString('\n'); line != "listening\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	mine := []string{mqtttest.Broker(t), mqtttest.Broker(t)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := mqtte2e.Dial(ctx, strings.Join(mine, ",")+"#child", config)
	if !errors.Is(err, mqtte2e.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the dial failed with %v", err)
	}
	for _, broker := range mine {
		if !strings.Contains(err.Error(), strings.TrimPrefix(broker, "mqtt://")) {
			t.Errorf("%s is not in %v", broker, err)
		}
	}
}
