package mux

import (
	"errors"
	"os"
	"time"
)

// Read is called by yamux, on one goroutine. It waits only where a frame
// begins.
func (f *frames) Read(p []byte) (int, error) {
	for len(f.ready) == 0 && f.body == 0 {
		if err := f.nextFrame(); err != nil {
			return 0, f.cause(err)
		}
	}
	if len(f.ready) > 0 {
		n := copy(p, f.ready)
		f.ready = f.ready[n:]
		return n, nil
	}
	n, err := f.in.Read(p[:min(len(p), f.body)])
	f.body -= n
	return n, err
}

// nextFrame makes something ready: a reset, a frame, or a piece of one. It may
// return without having done so.
func (f *frames) nextFrame() error {
	if id, ok := f.nextReset(); ok {
		f.ready = resetFrame(id)[:]
		return nil
	}
	if f.rest > 0 {
		return f.nextPiece()
	}
	peeked, err := f.in.Peek(headerSize)
	if err != nil {
		return f.unlessWoken(err)
	}
	f.head = header(peeked)
	f.in.Discard(headerSize)
	return f.received()
}

// received notes what the header in f.head says, and makes it ready if it is
// all of its frame.
func (f *frames) received() error {
	h := &f.head
	if h.kind() == typePing {
		if h.flags()&flagSYN == 0 || f.mayAnswerPing() {
			f.ready = h[:]
		}
		return nil
	}
	if h.flags()&flagSYN != 0 && h.stream()%2 != f.parity {
		return errParity
	}
	if err := f.note(h); err != nil {
		return err
	}
	if f.rest = h.body(); f.rest == 0 {
		f.deliver(*h)
	}
	return nil
}

// note takes down what a header says of its stream.
func (f *frames) note(h *header) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.flags()&flagSYN != 0 && f.streams[h.stream()] == nil {
		f.streams[h.stream()] = newPeerState()
	}
	state := f.streams[h.stream()]
	if state == nil {
		return nil
	}
	if !state.flow.receive(h.body()) {
		return errWindow
	}
	if h.flags()&flagRST != 0 {
		state.reset.Store(true)
	}
	if h.flags()&(flagACK|flagRST) != 0 && !closed(state.answered) {
		close(state.answered)
	}
	return nil
}

// nextPiece waits for a piece of a body and makes it a frame of its own: the
// first one has the flags that begin a stream, the last one has those that end
// it.
func (f *frames) nextPiece() error {
	size := min(f.rest, chunk)
	if _, err := f.in.Peek(size); err != nil {
		return f.unlessWoken(err)
	}
	f.rest -= size
	piece := f.head
	piece.setLength(size)
	if f.rest > 0 {
		piece.setFlags(f.head.flags() &^ flagFIN)
		f.head.setFlags(f.head.flags() & flagFIN)
	}
	f.body = size
	f.deliver(piece)
	return nil
}

// deliver makes the header of a frame ready that yamux can read without
// waiting.
func (f *frames) deliver(h header) {
	f.ready = h[:]
	if h.flags()&flagFIN == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if state := f.streams[h.stream()]; state != nil {
		state.finished.Store(true)
	}
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

// mayAnswerPing says no while the peer does not read: answers would pile up.
func (f *frames) mayAnswerPing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.out) < outSoft
}

// unlessWoken returns err, or nil if reset caused it.
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

// cause returns the error of conn.Write if it is why the Conn was closed, and
// err else.
func (f *frames) cause(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gaveUp {
		return f.err
	}
	return err
}
