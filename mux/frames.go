package mux

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// frames stands between yamux and its Conn and knows where frames begin. yamux
// has no way to reset one stream and does not tell whether a stream ended
// because the peer ended it or because the session died. So frames slips reset
// frames in, towards the Conn and towards yamux, and notes what the peer says
// of each stream. It also joins header and body, which yamux writes one by
// one, so that a small frame is one packet.
type frames struct {
	conn   net.Conn
	parity uint32 // of the numbers of streams that the peer opens: 1 if it is the client, 0 if the server

	// Owned by the goroutine on which yamux reads.
	in    *bufio.Reader
	ready []byte     // what yamux gets next
	body  int        // then so many bytes of the body of a frame
	last  *peerState // the stream that ends with that body; nil if none does

	writing sync.Mutex // held while writing to conn; guards out
	out     []byte     // a header whose body yamux has not written yet

	mu      sync.Mutex // guards the rest; never held while blocking
	streams map[uint32]*peerState
	resets  []uint32 // streams whose reset yamux is to read; at most one for each stream
	waking  bool     // the read deadline of conn is in the past because of resets
	pings   int      // pings of the peer that yamux has not answered yet
}

// peerState is what the peer has said of a stream. frames.mu guards it.
type peerState struct {
	answered chan struct{} // closed when the peer accepted or reset the stream
	reset    bool          // the peer reset the stream
	finished bool          // the peer sent the last byte and yamux has it
}

// maxPings is how many pings of the peer may wait for yamux's answer; the rest
// is ignored. Each is a goroutine, and only a hostile peer sends more.
const maxPings = 16

func newFrames(conn net.Conn, client bool) *frames {
	var parity uint32
	if !client {
		parity = 1
	}
	return &frames{conn: conn, parity: parity, in: bufio.NewReaderSize(conn, 2*chunk), streams: make(map[uint32]*peerState)}
}

// Read is called by yamux's receive goroutine. Each call returns bytes of one
// frame only.
func (f *frames) Read(p []byte) (int, error) {
	for {
		switch {
		case len(f.ready) > 0:
			n := copy(p, f.ready)
			f.ready = f.ready[n:]
			return n, nil
		case f.body > 0:
			if n, err := f.readBody(p); n > 0 || err != nil {
				return n, err
			}
		default:
			if err := f.nextFrame(); err != nil {
				return 0, err
			}
		}
	}
}

func (f *frames) readBody(p []byte) (int, error) {
	n, err := f.in.Read(p[:min(len(p), f.body)])
	f.body -= n
	if f.body == 0 {
		f.finish(f.last)
	}
	return n, f.unlessWoken(err)
}

// nextFrame makes the next header ready: that of a reset, or one from the Conn.
func (f *frames) nextFrame() error {
	if id, ok := f.nextReset(); ok {
		f.ready = resetFrame(id)[:]
		return nil
	}
	peeked, err := f.in.Peek(headerSize)
	if err != nil {
		return f.unlessWoken(err)
	}
	h := header(peeked)
	f.in.Discard(headerSize)
	if h.flags()&flagSYN != 0 && h.kind() != typePing && h.stream()%2 != f.parity {
		return errParity
	}
	if f.received(&h) {
		f.ready = h[:]
		f.body = h.body()
	}
	return nil
}

func (f *frames) nextReset() (id uint32, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.resets) == 0 {
		return 0, false
	}
	id, f.resets = f.resets[0], f.resets[1:]
	return id, true
}

// unlessWoken returns err, or nil if wake caused it.
func (f *frames) unlessWoken(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.waking {
		return err
	}
	f.waking = false
	f.conn.SetReadDeadline(time.Time{})
	return nil
}

// received notes what a header from the peer says and reports whether yamux is
// to see it.
func (f *frames) received(h *header) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = nil
	if h.kind() == typePing {
		return f.pingReceived(h)
	}
	if h.flags()&flagSYN != 0 && f.streams[h.stream()] == nil {
		f.streams[h.stream()] = newPeerState()
	}
	state := f.streams[h.stream()]
	if state == nil {
		return true
	}
	if h.flags()&flagRST != 0 {
		state.reset = true
	}
	if h.flags()&(flagACK|flagRST) != 0 && !closed(state.answered) {
		close(state.answered)
	}
	if h.flags()&flagFIN != 0 {
		state.finished = h.body() == 0
		f.last = state
	}
	return true
}

func newPeerState() *peerState { return &peerState{answered: make(chan struct{})} }

func (f *frames) pingReceived(h *header) bool {
	if h.flags()&flagSYN == 0 {
		return true
	}
	if f.pings == maxPings {
		return false
	}
	f.pings++
	return true
}

// finish notes that yamux has all that the peer sent on a stream.
func (f *frames) finish(state *peerState) {
	if state == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	state.finished = true
}

// Write is called by yamux's send goroutine, first with a header and then, if
// the frame has one, with its body.
func (f *frames) Write(p []byte) (int, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	if len(f.out) == 0 {
		h := header(p)
		f.sent(&h)
		if h.body() > 0 {
			f.out = append(f.out, p...)
			return len(p), nil
		}
	}
	f.out = append(f.out, p...)
	_, err := f.conn.Write(f.out)
	f.out = f.out[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// sent notes what a header from yamux says.
func (f *frames) sent(h *header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case h.kind() == typePing:
		if h.flags()&flagACK != 0 {
			f.pings--
		}
	case h.flags()&flagSYN != 0:
		f.streams[h.stream()] = newPeerState()
	case h.flags()&flagRST != 0:
		// yamux refuses a stream that nobody has seen yet.
		delete(f.streams, h.stream())
	}
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

// finished reports whether the peer ended its direction of a stream.
func (f *frames) finished(state *peerState) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return state.finished
}

// refused reports whether the peer reset a stream.
func (f *frames) refused(state *peerState) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return state.reset
}

// forget drops what is known of a stream that has ended.
func (f *frames) forget(id uint32, state *peerState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams[id] == state {
		delete(f.streams, id)
	}
}

// reset ends a stream at once at both ends. It may wait for the Conn to take
// the frame.
func (f *frames) reset(id uint32) {
	f.mu.Lock()
	f.resets = append(f.resets, id)
	f.waking = true
	f.conn.SetReadDeadline(time.Unix(1, 0))
	f.mu.Unlock()

	f.writing.Lock()
	defer f.writing.Unlock()
	// A header in f.out does not matter: nothing of its frame was sent. An
	// error does not either: it ends the session, and all streams with it.
	f.conn.Write(resetFrame(id)[:])
}

// Close closes the Conn.
func (f *frames) Close() error { return f.conn.Close() }

var _ io.ReadWriteCloser = (*frames)(nil)
