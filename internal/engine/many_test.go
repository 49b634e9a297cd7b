package engine

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// manyConns is how many Conns one Listener and one Engine have to bear.
const manyConns = 2000

// idleLimit is what an idle end of a Conn may hold of heap and stacks, bytes.
const idleLimit = 32 << 10

// connectMany makes so many Conns, and returns both ends of each in the same
// order.
func (w *world) connectMany(e *Engine, l *Listener, conns int) (dialed, accepted []*Conn) {
	dialed, accepted = make([]*Conn, conns), make([]*Conn, conns)
	byID := make(map[[8]byte]*Conn)
	const atOnce = 250 // fewer than the backlog
	for done := 0; done < conns; {
		var dials sync.WaitGroup
		batch := dialed[done:min(done+atOnce, conns)]
		for i := range batch {
			dials.Go(func() { batch[i] = w.dial(e) })
		}
		for range batch {
			c, err := l.Accept()
			if err != nil {
				w.t.Fatal(err)
			}
			byID[c.origin.peerID] = c
		}
		dials.Wait()
		done += len(batch)
	}
	for i, c := range dialed {
		accepted[i] = byID[c.id]
	}
	return dialed, accepted
}

// TestManyConns opens Conns, uses them, lets them rest, loses the broker and
// closes them.
func TestManyConns(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, server := w.engine(), w.engine()
		l := w.listen(server)
		dialed, accepted := w.connect(client, l)
		w.exchange(dialed, accepted)
		before := memory()
		conns := scaled(manyConns)
		ours, theirs := w.connectMany(client, l, conns)
		for i := range ours {
			exchangeKilobytes(t, ours[i], theirs[i])
		}
		time.Sleep(10 * time.Second)
		idle := (memory() - before) / 2 / conns
		t.Logf("an idle end holds %d bytes of heap and stacks", idle)
		if !simtest.Race && idle > idleLimit {
			t.Errorf("that is more than %d", idleLimit)
		}
		resumeMany(t, w, ours)
		for i := range ours {
			w.exchange(ours[i], theirs[i])
		}
		for i := range ours {
			ours[i].Close()
			theirs[i].Close()
			if i%100 == 0 {
				simtest.Wait() // or the broker's queues overflow
			}
		}
		dialed.Close()
		accepted.Close()
		l.Close()
		time.Sleep(afterTimeWait)
		simtest.Wait()
		checkEmpty(t, client)
		checkEmpty(t, server)
	})
}

// memory returns the bytes of heap and stacks that are in use.
func memory() int {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc + stats.StackInuse)
}

// exchangeKilobytes sends as much both ways as leaves traces in every buffer.
func exchangeKilobytes(t *testing.T, a, b *Conn) {
	t.Helper()
	for _, way := range [][2]*Conn{{a, b}, {b, a}} {
		const size = 20 << 10
		if _, err := way[0].Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < size; {
			n, err := way[1].Read(make([]byte, size))
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	}
}

// resumeMany loses the broker, writes to a few Conns meanwhile, and watches in
// which order the Conns resume, and how many at once.
func resumeMany(t *testing.T, w *world, conns []*Conn) {
	w.broker.Stop()
	simtest.Wait()
	withData := make(map[[8]byte]bool)
	for i := range 10 {
		c := conns[i*len(conns)/10]
		withData[c.origin.peerID] = true
		c.Write([]byte("over and out"))
	}
	// How many go on at an instant: the server's first batch may have gone to nobody, is
	// repeated with its next one, and answered.
	most, at := 0, make(map[time.Time]int)
	var order [][8]byte // of the client's Conns
	seen := make(map[[8]byte]bool)
	server := conns[0].peer.topics[0]
	w.set(func(m message) ([]byte, bool) {
		if m.isTo(server) {
			if id, _ := maskID(w, m); !seen[id] {
				seen[id] = true
				order = append(order, id)
				at[m.at]++
				most = max(most, at[m.at])
			}
		}
		return m.payload, true
	})
	w.broker.Start()
	time.Sleep(10 * time.Second)
	w.set(nil)
	if len(order) < len(conns) || most > 2*resumeBatch+len(withData) || most < resumeBatch/2 {
		t.Errorf("%d Conns resumed, %d of them at once", len(order), most)
	}
	for i, id := range order[:len(withData)] {
		if !withData[id] {
			t.Errorf("the Conn to resume as number %d has no data to send", i)
		}
	}
}

// maskID returns the connection id that a packet is for.
func maskID(w *world, m message) ([8]byte, bool) {
	e, _ := w.inboxes.Load(m.topic)
	return record.NewMask(e.(*Engine).inbox.MaskKey()).ID(m.payload)
}
