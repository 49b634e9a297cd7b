package mux

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// Read is called by yamux, on one goroutine. When it fails yamux has dealt with
// every frame before.
func (f *frames) Read(p []byte) (int, error) {
	n, err := f.in.Read(p)
	if err != nil {
		f.end()
	}
	return n, err
}

// receive passes on to yamux what the peer sends, until the Conn or the session
// ends.
func (f *frames) receive() {
	in := bufio.NewReaderSize(f.conn, maxFrame)
	piece := make([]byte, headerSize+maxFrame)
	var err error
	for err == nil {
		err = f.receiveFrame(in, piece)
	}
	f.toYamux.CloseWithError(f.cause(err))
}

// cause returns the error of conn.Write if that is why reading ended, and err
// else.
func (f *frames) cause(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return f.err
	}
	return err
}

// receiveFrame hands a frame to yamux in pieces of at most maxFrame bytes, each a
// frame of its own, for which it has to arrive whole: the first one has the
// flags that begin a stream, the last one has those that end it.
func (f *frames) receiveFrame(in io.Reader, piece []byte) error {
	var h header
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return err
	}
	if err := f.note(&h); err != nil {
		return err
	}
	flags, fin := h.flags()&^flagFIN, h.flags()&flagFIN
	for left := h.body(); ; flags = 0 {
		size := min(left, maxFrame)
		if left -= size; left == 0 {
			flags |= fin
		}
		h.setFlags(flags)
		if h.kind() == typeData {
			h.setLength(size)
		}
		copy(piece, h[:])
		if _, err := io.ReadFull(in, piece[headerSize:headerSize+size]); err != nil {
			return err
		}
		if _, err := f.toYamux.Write(piece[:headerSize+size]); err != nil || left == 0 {
			return err
		}
	}
}

// note takes down what a header says of its stream.
func (f *frames) note(h *header) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case h.kind() == typeGoAway && h.length() == goAwayFull:
		return errFull
	case h.kind() == typeGoAway:
		f.goneAway = true
		return nil
	case h.kind() == typePing:
		return nil
	}
	st := f.streams[h.stream()]
	if h.flags()&flagSYN != 0 {
		if h.stream()%2 != f.parity {
			return errParity
		}
		if st != nil {
			return errTwice
		}
		if !f.quota.take(1) {
			f.refuse(h)
			return nil
		}
		st = f.add(h.stream())
		st.counted = true
	}
	if st == nil {
		return nil
	}
	if !st.flow.receive(h.body()) {
		return errWindow
	}
	st.finished = st.finished || h.flags()&flagFIN != 0
	st.reset = st.reset || h.flags()&flagRST != 0
	if h.flags()&(flagACK|flagRST) != 0 {
		st.answer()
	}
	return nil
}

// refuse resets a stream that the peer opens. yamux, which gets its frames without
// the flag that opens it, throws them away. f.mu is held.
func (f *frames) refuse(h *header) {
	h.setFlags(h.flags() &^ flagSYN)
	if len(f.out) < outHard {
		f.enqueue(resetFrame(h.stream()), nil)
	}
}
