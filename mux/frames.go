package mux

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// frames stands between yamux and its Conn and knows where frames begin. It
// makes up for what yamux lacks:
//
//   - yamux cannot reset one stream. frames slips reset frames in, towards the
//     Conn and towards yamux.
//   - A stream of yamux returns io.EOF when the session dies, too. frames notes
//     whether the peer has ended it.
//   - The windows of yamux's streams all have one size. frames drops yamux's
//     window updates and sends those of flow.
//   - yamux holds locks while it waits for the rest of a frame and for the Conn
//     to take one, so that no stream can be read, written or closed. frames
//     hands out frames that have arrived whole, in pieces of at most chunk
//     bytes, and takes frames into a buffer.
type frames struct {
	conn    net.Conn
	parity  uint32        // of the numbers of streams that the peer opens: 1 if it is the client, 0 if the server
	written chan struct{} // closed when the goroutine that writes to conn has returned
	ended   chan struct{} // closed when conn.Close has returned

	// Owned by the goroutine on which yamux reads.
	in    *bufio.Reader
	head  header // of the frame whose body is handed out
	rest  int    // bytes of that body for which yamux has no header yet
	ready []byte // what yamux gets next
	body  int    // then so many bytes from in, which has them

	// Owned by the goroutine on which yamux writes.
	held header // of a frame whose body comes next; zero if none

	mu      sync.Mutex // guards the rest, and each peerState's flow; not held during I/O
	budget  int        // by which windows may still grow, bytes
	streams map[uint32]*peerState
	resets  []uint32 // streams whose reset yamux is to read; at most one for each stream
	waking  bool     // the read deadline of conn is in the past because of resets
	changed signal   // out, writing, closed or err changed
	out     []byte   // whole frames for conn; senders wait above outSoft, yamux above outHard
	spare   []byte   // the buffer that out takes turns with, owned by the writing goroutine while writing
	writing bool     // conn.Write is under way
	closed  bool     // Close was called
	err     error    // of conn.Write; nothing is written afterwards
	gaveUp  bool     // err is why the Conn was closed
}

var _ io.ReadWriteCloser = (*frames)(nil)

// peerState is what the peer has said of a stream, and what it may send. Only
// the goroutine on which yamux reads changes what the peer has said.
type peerState struct {
	answered chan struct{} // closed when the peer accepted or reset the stream
	reset    atomic.Bool   // the peer reset the stream
	finished atomic.Bool   // the peer sent the last byte and yamux has it
	flow     flow          // guarded by frames.mu
}

func newPeerState() *peerState {
	return &peerState{answered: make(chan struct{}), flow: newFlow(time.Now())}
}

func newFrames(conn net.Conn, client bool) *frames {
	f := &frames{
		conn:    conn,
		written: make(chan struct{}),
		ended:   make(chan struct{}),
		in:      bufio.NewReaderSize(conn, 2*chunk),
		budget:  windowBudget,
		streams: make(map[uint32]*peerState),
	}
	if !client {
		f.parity = 1
	}
	go f.writeConn()
	return f
}

// state returns what the peer said of a stream that yamux has just opened or
// accepted. It is there, unless a peer uses the number of a stream twice, which
// harms that stream only.
func (f *frames) state(id uint32) *peerState {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams[id] == nil {
		f.streams[id] = newPeerState()
	}
	return f.streams[id]
}

// forget drops what is known of a stream that has ended.
func (f *frames) forget(id uint32, state *peerState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state.flow.release(&f.budget)
	if f.streams[id] == state {
		delete(f.streams, id)
	}
}

// consumed notes that n bytes of a stream were read, and lets the peer send
// more when it is time.
func (f *frames) consumed(id uint32, state *peerState, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams[id] != state {
		return
	}
	if grant := state.flow.consume(n, &f.budget, time.Now()); grant > 0 {
		f.enqueue(windowFrame(id, grant), nil)
	}
}

// reset ends a stream at once at both ends.
func (f *frames) reset(id uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enqueue(resetFrame(id), nil)
	// yamux reads its own as the next frame, for which it is woken.
	f.resets = append(f.resets, id)
	f.waking = true
	f.conn.SetReadDeadline(time.Unix(1, 0))
}

// Close closes the Conn. It is called by yamux, once, when the session ends. It
// does not wait for the Conn, since until it returns yamux's streams that wait
// for something keep a processor busy.
func (f *frames) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.changed.broadcast()
	go func() {
		f.conn.Close()
		close(f.ended)
	}()
	return nil
}

// wait waits until the Conn is closed and nothing uses it any more.
func (f *frames) wait() {
	<-f.ended
	<-f.written
}
