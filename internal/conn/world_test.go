package conn

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// maxPacket is the largest plaintext of these tests, bytes.
const maxPacket = 16 << 10

// An end is one of two Conns that are joined back to back, and their Host. A
// goroutine stands for the link's writer and, at the other end, its reader.
type end struct {
	*Conn
	other *end
	ready chan struct{} // holds a token while there is something to send
	seal  *record.Sealer
	peer  *life.Peer // what it knows of the process at the other end
	links *path.Links

	mu     sync.Mutex // guards all below
	did    []string   // what the Host was told, but Wake
	pass   func(packet []byte) bool
	broken path.Mask          // what is sent on these does not arrive
	limits [path.MaxLinks]int // largest payload of each link
	sent   int                // packets
}

// Wake implements Host.
func (e *end) Wake(uint8, stream.Priority) {
	select {
	case e.ready <- struct{}{}:
	default:
	}
}

// Limit implements Host. The lock of a Conn is held.
func (e *end) Limit(own uint8) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.limits[own]
}

func (e *end) Counts(uint8) bool { return false }

func (e *end) Moved(from, to path.ID, reason string) {
	e.note(fmt.Sprintf("moved from %v to %v: %s", from, to, reason))
}

func (e *end) Proved()         { e.note("proved") }
func (e *end) Check(path.Mask) { e.note("check") }
func (e *end) Checked()        { e.note("checked") }
func (e *end) TimeWait()       { e.note("time-wait") }
func (e *end) Forget()         { e.note("forget") }

func (e *end) note(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.did = append(e.did, what)
}

// wantDid checks what the Host was told since the last call.
func (e *end) wantDid(t *testing.T, want ...string) {
	t.Helper()
	simtest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.did, want) {
		t.Errorf("the Host was told %q, want %q", e.did, want)
	}
	e.did = nil
}

// set decides which packets arrive at the other end; nil: all.
func (e *end) set(pass func(packet []byte) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pass = pass
}

func nothing([]byte) bool { return false }

// breaks decides on which paths packets do not arrive at the other end.
func (e *end) breaks(paths ...path.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = 0
	for _, p := range paths {
		e.broken = e.broken.With(p)
	}
}

// up and down let a link come up, with packets of so many bytes of plaintext, and end.
func (e *end) up(own uint8, limit int) {
	e.mu.Lock()
	e.limits[own] = limit + record.Overhead
	e.mu.Unlock()
	now := time.Now()
	e.links.Up(own, now)
	if e.LinkUp(own, true, now) && e.links.Len() > 1 { // tests of one link say themselves when the Conn resumes
		e.Resume(now)
	}
	e.Introduce(own, now)
}

func (e *end) down(own uint8) {
	now := time.Now()
	e.links.Down(own)
	if e.LinkDown(own, now) {
		e.Resume(now)
	}
}

// packets returns how many packets the end has sent.
func (e *end) packets() int {
	simtest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sent
}

// send moves one packet, if there is one, and its link is up at both ends.
func (e *end) send(room []byte) bool {
	for own := range uint8(e.links.Len()) {
		if p, ok := e.Outbound(own); ok && e.links.IsUp(own) && e.sendOn(p, room) {
			return true
		}
	}
	return false
}

func (e *end) sendOn(p path.ID, room []byte) bool {
	n := e.Fill(p, room, time.Now())
	if n == 0 {
		return false
	}
	e.mu.Lock()
	e.sent++
	pass := (e.pass == nil || e.pass(room[:n])) && !e.broken.Has(p) && e.other.links.IsUp(p.Peer())
	e.mu.Unlock()
	if pass {
		e.other.Receive(p.Peer(), room[:n], time.Now())
	}
	return true
}

// run is the writer.
func (e *end) run(stop <-chan struct{}) {
	room := make([]byte, maxPacket+record.Overhead)
	for {
		select {
		case <-e.ready:
			for e.send(room) {
			}
		case <-stop:
			return
		}
	}
}

// pair returns both ends of a Conn that a handshake has just made. It must be
// called inside simtest.Run.
func pair(t *testing.T, change ...func(*Config)) (dialer, listener *end) {
	return pairOver(t, 1, change...)
}

// pairOver is pair with so many links at each end, all up. The handshake came by the first.
func pairOver(t *testing.T, links int, change ...func(*Config)) (dialer, listener *end) {
	now := time.Now()
	var ends [2]*end
	for i, config := range configs(now, links) {
		for _, f := range change {
			f(&config.Config)
		}
		ends[i] = &end{ready: make(chan struct{}, 1), seal: config.Sealer, peer: config.Life.Peer, links: config.links}
		for own := range ends[i].limits {
			ends[i].limits[own] = maxPacket + record.Overhead
		}
		ends[i].Conn = New(config.Config, ends[i], now)
	}
	ends[0].other, ends[1].other = ends[1], ends[0]
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, e := range ends {
		running.Go(func() { e.run(stop) })
	}
	t.Cleanup(func() {
		close(stop)
		running.Wait()
		for _, e := range ends {
			e.Discard()
		}
	})
	return ends[0], ends[1]
}

// A linked is a Config and the links in it.
type linked struct {
	Config
	links *path.Links
}

// configs returns what a dialer and a listener are made of, over so many links each, all up.
func configs(now time.Time, links int) (both [2]linked) {
	mask := record.NewMask([16]byte{7})
	secrets := [2][32]byte{bytes32("from dialer to listener"), bytes32("from listener to dialer")}
	ids := [2][8]byte{{1}, {2}}
	clock := life.NewClock(time.Now, now)
	for i := range both {
		own := path.NewLinks(links)
		for n := range uint8(links) {
			own.Up(n, now)
		}
		both[i] = linked{Config{
			ID: [4]byte{0xab, 0xcd}, Name: "lamp",
			Sealer:    record.NewSealer(secrets[i], ids[1-i], mask, record.EpochBits),
			Opener:    record.NewOpener(secrets[1-i], ids[i], record.EpochBits),
			Paths:     path.NewSet(own, uint8(links)),
			MaxPacket: maxPacket,
			Send:      stream.NewBudget(1 << 20),
			Receive:   stream.NewBudget(1 << 20),
			Blocks:    stream.NewBlocks(maxPacket),
			Grant:     func(time.Time) (messages, bytes uint64) { return 64, 1 << 20 },
			Life:      life.Config{Peer: life.NewPeer(clock, now), PeerTimeout: 2 * time.Minute, Dialer: i == 0, PathUp: now},
			Logger:    slog.New(slog.DiscardHandler),
		}, own}
	}
	return both
}

func bytes32(s string) (b [32]byte) { copy(b[:], s); return b }

// connected returns a pair that both have started, and heard of each other.
func connected(t *testing.T, change ...func(*Config)) (dialer, listener *end) {
	return connectedOver(t, 1, change...)
}

// connectedOver is connected with so many links.
func connectedOver(t *testing.T, links int, change ...func(*Config)) (dialer, listener *end) {
	dialer, listener = pairOver(t, links, change...)
	listener.Start(time.Now())
	dialer.Start(time.Now())
	listener.wantDid(t, "proved")
	dialer.wantDid(t)
	return dialer, listener
}

// patience returns a change of PeerTimeout.
func patience(d time.Duration) func(*Config) { return func(c *Config) { c.Life.PeerTimeout = d } }

// write and read move bytes that must arrive.
func (e *end) write(t *testing.T, text string) {
	t.Helper()
	if n, err := e.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write: %d, %v", n, err)
	}
}

func (e *end) read(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(e, got); string(got) != want || err != nil {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// exchange sends a few bytes both ways.
func exchange(t *testing.T, a, b *end) {
	t.Helper()
	a.write(t, "question")
	b.read(t, "question")
	b.write(t, "answer")
	a.read(t, "answer")
}

// readAll reads to the end of the stream, or until it fails.
func (e *end) readAll() (string, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, struct{ io.Reader }{e})
	return b.String(), err
}

// took runs f and checks how long that takes.
func took(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if passed := time.Since(start); passed != want {
		t.Errorf("that took %v, want %v", passed, want)
	}
}
