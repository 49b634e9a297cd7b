package mux

import (
	"io"
	"net"
	"sync"
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
//     hands out frames that have arrived whole, of at most maxFrame bytes, and
//     takes frames into a buffer, where it never makes yamux wait.
type frames struct {
	conn       net.Conn
	parity     uint32         // of the numbers of streams that the peer opens: 1 if it is the client, 0 if the server
	in         *io.PipeReader // what yamux reads
	toYamux    *io.PipeWriter // one whole frame with each Write
	unanswered chan struct{}  // a token for each stream of ours that the peer has neither accepted nor reset
	quota      share          // of streams
	windows    share          // of the bytes by which windows grow
	running    sync.WaitGroup // receive and send, which closes the Conn

	held header // of a frame of yamux whose body comes next; owned by the goroutine on which yamux writes

	mu       sync.Mutex         // guards the rest, and the streams' states; not held during I/O
	streams  map[uint32]*stream // from the frame that opens a stream to its end at both ends
	filled   sync.Cond          // something is in out, or closed is set
	drained  sync.Cond          // out was emptied, or whoever waits for that has to look again
	out      []byte             // whole frames for the Conn; bounds are those of room and put
	goneAway bool               // the peer takes no more streams
	closed   bool               // end was called
	err      error              // of conn.Write; nothing is written afterwards
}

var _ io.ReadWriteCloser = (*frames)(nil)

func newFrames(conn net.Conn, client bool, quota, windows share) *frames {
	f := &frames{
		conn:       conn,
		unanswered: make(chan struct{}, backlog),
		streams:    make(map[uint32]*stream),
		quota:      quota,
		windows:    windows,
	}
	if !client {
		f.parity = 1
	}
	f.in, f.toYamux = io.Pipe()
	f.filled.L, f.drained.L = &f.mu, &f.mu
	f.running.Go(f.receive)
	f.running.Go(f.send)
	return f
}

// add makes the state of a stream that the peer, or yamux, has just opened.
// f.mu is held.
func (f *frames) add(id uint32) *stream {
	st := &stream{frames: f, id: id, answered: make(chan struct{}), flow: newFlow(time.Now())}
	if st.inbound() {
		close(st.answered)
	}
	f.streams[id] = st
	return st
}

// remove drops a stream that has ended at both ends.
func (f *frames) remove(st *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st.answer()
	f.drop(st)
}

// drop takes a stream out of the table. f.mu is held.
func (f *frames) drop(st *stream) {
	st.flow.release(f.windows)
	delete(f.streams, st.id)
	if st.counted {
		f.quota.give(1)
	}
}

// dropUnseen drops the streams that nobody has got yet, since the session has
// ended.
func (f *frames) dropUnseen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, st := range f.streams {
		if st.inner == nil {
			f.drop(st)
		}
	}
}

// consumed notes that n bytes of a stream were read, and lets the peer send
// more when it is time.
func (f *frames) consumed(st *stream, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if grant := st.flow.consume(n, f.windows, time.Now()); grant > 0 {
		f.enqueue(windowFrame(st.id, grant), nil)
	}
}

// reset ends a stream at once at both ends.
func (f *frames) reset(id uint32) {
	frame := resetFrame(id)
	f.mu.Lock()
	f.enqueue(frame, nil)
	f.mu.Unlock()
	f.toYamux.Write(frame[:]) // fails only if the session has ended
}

// end stops reading and writing. Whoever waits in yamux leaves it, since when its
// session ends those who wait keep the processors busy until it has noticed.
func (f *frames) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.filled.Signal()
	f.drained.Broadcast()
	for _, st := range f.streams {
		if st.inner != nil {
			st.inner.SetDeadline(past)
		}
	}
}

// ended reports whether end was called.
func (f *frames) ended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// Close is called by yamux, once, when the session ends. The Conn gets what is
// left in the background.
func (f *frames) Close() error {
	f.end()
	f.in.Close()
	time.AfterFunc(sessionFlush, func() { f.conn.Close() })
	return nil
}
