package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestManyConnsMoveWhenTheirBrokerDies: none is lost, and all have exchanged data within 3 s.
func TestManyConnsMoveWhenTheirBrokerDies(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		l := p.listening(p.over(0, 1))
		dialed, accepted := p.connectMany(p.ready(p.over(0, 1)), l, scaled(1000))
		time.Sleep(time.Second)
		start := time.Now()
		p.brokers[0].Stop()
		var running sync.WaitGroup
		for i := range dialed {
			running.Go(func() { exchangeKilobytes(t, dialed[i], accepted[i]) })
		}
		running.Wait()
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%d Conns have exchanged data after %v", len(dialed), took)
		}
		for i := range dialed {
			if dialed[i].Own() != 1 || accepted[i].Own() != 1 {
				t.Errorf("Conn %d goes by brokers %d and %d", i, dialed[i].Own(), accepted[i].Own())
			}
		}
	})
}

// A bulk is random bytes that go one way in pieces for as long as it runs, with the hash of what was sent and what came, and
// the longest time in which nothing came.
type bulk struct {
	sent, came [32]byte
	size       int
	longest    time.Duration
	stop       chan struct{}
	done       sync.WaitGroup
}

// bulkPause is the time from one piece to the next.
func bulkPause() time.Duration { return 50 * time.Millisecond / time.Duration(scaled(10)) }

func startBulk(t *testing.T, from, to *Conn) *bulk {
	b := &bulk{stop: make(chan struct{})}
	b.done.Go(func() {
		hash, random, piece := sha256.New(), rand.NewChaCha8([32]byte{1}), make([]byte, 8<<10)
		defer func() { hash.Sum(b.sent[:0]) }()
		for {
			select {
			case <-b.stop:
				from.CloseWrite()
				return
			case <-time.After(bulkPause()):
			}
			random.Read(piece)
			hash.Write(piece)
			if _, err := from.Write(piece); err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	})
	b.done.Go(func() {
		hash, last, piece := sha256.New(), time.Now(), make([]byte, 64<<10)
		defer func() { hash.Sum(b.came[:0]) }()
		for {
			n, err := to.Read(piece)
			if err == io.EOF {
				return
			} else if err != nil {
				t.Errorf("read: %v", err)
				return
			}
			b.longest, last = max(b.longest, time.Since(last)), time.Now()
			hash.Write(piece[:n])
			b.size += n
		}
	})
	return b
}

// end ends it and returns the longest gap.
func (b *bulk) end(t *testing.T) time.Duration {
	t.Helper()
	close(b.stop)
	b.done.Wait()
	if b.size == 0 || !bytes.Equal(b.sent[:], b.came[:]) {
		t.Errorf("of the %d bytes that came the hash is wrong", b.size)
	}
	return b.longest
}

func TestBrokersRestartedInTurn(t *testing.T) {
	for brokers := 2; brokers <= 3; brokers++ {
		t.Run(fmt.Sprint(brokers), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				p := newPlace(t, brokers)
				dialed, accepted := p.pairOver([]int{0, 1, 2}[:brokers]...)
				there, back := startBulk(t, dialed, accepted), startBulk(t, accepted, dialed)
				for i := range 15 {
					time.Sleep(3 * time.Second)
					p.brokers[i%brokers].Stop()
					time.Sleep(time.Second)
					p.brokers[i%brokers].Start()
				}
				for way, b := range []*bulk{there, back} {
					if gap := b.end(t); gap > 2*time.Second {
						t.Errorf("way %d: nothing came for %v", way, gap)
					}
				}
			})
		})
	}
}

// TestBrokerThatFreezesAndComesBack is left, and taken again after a minute; never both ends in turns.
func TestBrokerThatFreezesAndComesBack(t *testing.T) {
	for _, frozen := range []time.Duration{5 * time.Minute, 45 * time.Second, 5 * time.Second, 500 * time.Millisecond}[4-max(scaled(4), 2):] {
		t.Run(frozen.String(), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				p := newPlace(t, 2)
				dialed, accepted := p.pairOver(0, 1)
				there, back := startTransferEvery(t, 50*time.Millisecond, dialed, accepted), startTransferEvery(t, 50*time.Millisecond, accepted, dialed)
				time.Sleep(time.Second)
				p.silence[0](true)
				time.Sleep(frozen)
				p.silence[0](false)
				time.Sleep(3 * time.Minute)
				for way, x := range []*transfer{there, back} {
					if gap := x.end(); gap > 2*time.Second {
						t.Errorf("way %d: nothing came for %v", way, gap)
					}
				}
				want := uint64(2)
				if frozen < time.Second {
					want = 0
				}
				p.wantMoves(want, dialed, accepted)
				if dialed.Own() != 0 || accepted.Own() != 0 {
					t.Errorf("they go by brokers %d and %d", dialed.Own(), accepted.Own())
				}
			})
		})
	}
}

// TestListsInAnotherOrderWhenBrokersDie finds what is left, by whatever number either end knows it.
func TestListsInAnotherOrderWhenBrokersDie(t *testing.T) {
	for _, lists := range [][2][]int{{{0, 1}, {1, 0}}, {{0, 1, 2}, {2, 0, 1}}, {{0, 1, 2}, {2, 3, 0}}} {
		for dies := range 2 {
			t.Run(fmt.Sprint(lists, dies), func(t *testing.T) {
				simtest.Run(t, func(t *testing.T) {
					p := newPlace(t, 4)
					l := p.listening(p.over(lists[1]...))
					dialed, accepted := p.connect(p.ready(p.over(lists[0]...)), l)
					there, back := startTransfer(t, dialed, accepted), startTransfer(t, accepted, dialed)
					time.Sleep(2 * time.Second)
					used := lists[0][dialed.Own()]
					if dies == 0 {
						p.brokers[used].Stop()
					} else {
						p.silence[used](true)
					}
					time.Sleep(20 * time.Second)
					for way, x := range []*transfer{there, back} {
						if gap := x.end(); gap > 3*time.Second {
							t.Errorf("way %d: nothing came for %v", way, gap)
						}
					}
					if lists[0][dialed.Own()] == used || lists[0][dialed.Own()] != lists[1][accepted.Own()] {
						t.Errorf("they go by brokers %d and %d", lists[0][dialed.Own()], lists[1][accepted.Own()])
					}
				})
			})
		}
	}
}

// TestPathsTakePacketsOfTheirSize: the second broker drops what is larger than 8 KiB without a word.
func TestPathsTakePacketsOfTheirSize(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		p.largest[1].Store(8 << 10)
		dialed, accepted := p.pairOver(0, 1)
		for i, change := range []func(){func() {}, p.brokers[0].Stop, p.brokers[0].Start} {
			change()
			time.Sleep(3 * time.Minute)
			broker := i % 2
			start := time.Now()
			for range 10 {
				sendAndCompare(t, dialed, accepted, 1<<20)
			}
			took := time.Since(start)
			if int(dialed.Own()) != broker {
				t.Errorf("it goes by broker %d, not %d", dialed.Own(), broker)
			}
			if took > 10*time.Second {
				t.Errorf("by broker %d 10 MiB took %v", broker, took)
			}
		}
	})
}

// A lag is how much later everything comes from a broker, which may change.
type lag struct {
	mu   sync.Mutex
	wait time.Duration
}

func (l *lag) set(wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait = wait
}

func (l *lag) now() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait
}

// A chunk is bytes on their way, and when they arrive.
type chunk struct {
	data []byte
	due  time.Time
}

// behind returns a connection whose reads lag. It ends with conn.
func (l *lag) behind(conn net.Conn) net.Conn {
	ours, theirs := simtest.Pipe()
	late := make(chan chunk, 1<<16)
	go func() {
		defer close(late)
		for {
			b := make([]byte, 64<<10)
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			late <- chunk{b[:n], time.Now().Add(l.now())}
		}
	}()
	go func() {
		for c := range late {
			time.Sleep(time.Until(c.due))
			theirs.Write(c.data)
		}
		theirs.Close()
	}()
	return &lagging{conn, ours}
}

// A lagging connection is written to directly and read from late.
type lagging struct {
	net.Conn
	in net.Conn
}

func (l *lagging) Read(b []byte) (int, error)        { return l.in.Read(b) }
func (l *lagging) SetReadDeadline(t time.Time) error { return l.in.SetReadDeadline(t) }

func (l *lagging) SetDeadline(t time.Time) error {
	l.in.SetReadDeadline(t)
	return l.Conn.SetWriteDeadline(t)
}

func (l *lagging) Close() error {
	l.in.Close()
	return l.Conn.Close()
}

// TestSlowBrokersAreNotLeftInTurns: each of two is slow for some seconds and then fast, but passes everything.
func TestSlowBrokersAreNotLeftInTurns(t *testing.T) {
	for seed := range uint64(max(scaled(5)/2, 1)) {
		simtest.Run(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			p := newPlace(t, 2)
			lags := [2]*lag{{}, {}}
			slow := func(c *Config) {
				p.over(0, 1)(c)
				dial := c.Link.DialContext
				c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					if err != nil {
						return nil, err
					}
					return lags[address[0]-'0'].behind(conn), nil
				}
			}
			dialed, accepted := p.connect(p.ready(slow), p.listening(slow))
			there, back := startTransferEvery(t, 50*time.Millisecond, dialed, accepted), startTransferEvery(t, 50*time.Millisecond, accepted, dialed)
			const minutes = 10
			for start := time.Now(); time.Since(start) < minutes*time.Minute; {
				one := random.IntN(2)
				lags[one].set(time.Duration(300+random.IntN(1700)) * time.Millisecond / 2) // each way
				lags[1-one].set(time.Duration(random.IntN(20)) * time.Millisecond)
				time.Sleep(time.Duration(1+random.IntN(20)) * time.Second)
			}
			lags[0].set(0)
			lags[1].set(0)
			there.end()
			back.end()
			for i, c := range []*Conn{dialed, accepted} {
				if n := c.Stats().Moves; n > minutes {
					t.Errorf("seed %d: end %d moved %d times in %d minutes", seed, i, n, minutes)
				}
			}
		})
	}
}

// TestUnusedPathsCostAHandfulAMinute, for 20 idle Conns of two processes, on either broker.
func TestUnusedPathsCostAHandfulAMinute(t *testing.T) {
	for _, used := range []int{0, 1} {
		simtest.Run(t, func(t *testing.T) {
			p := newPlace(t, 2)
			l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
			dialed, accepted := p.connectMany(client, l, 20)
			if used == 1 {
				p.silence[0](true)
				for i := range dialed {
					p.exchange(dialed[i], accepted[i])
				}
			}
			time.Sleep(time.Minute)
			for i := range dialed {
				if int(dialed[i].Own()) != used || int(accepted[i].Own()) != used {
					t.Fatalf("Conn %d goes by brokers %d and %d, not %d", i, dialed[i].Own(), accepted[i].Own(), used)
				}
			}
			before := p.passed[1-used].Load()
			time.Sleep(10 * time.Minute)
			if n := p.passed[1-used].Load() - before; n > 10*6 {
				t.Errorf("the broker that is not used was sent %d messages in ten minutes", n)
			}
		})
	}
}
