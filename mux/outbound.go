package mux

import (
	"net"
	"time"
)

const (
	// outSoft is how many bytes may wait for the Conn before streams stop
	// adding to them. Two chunks keep a Conn busy; more would only delay the
	// streams that have little to send.
	outSoft = 2 * chunk

	// outHard is when yamux has to wait as well. It is reached only if very
	// many streams, each with a chunk, or a flood of what asks for answers
	// come at once.
	outHard = 4 << 20

	// outKeep is the largest buffer that is kept when it is empty.
	outKeep = 8 * chunk
)

// Write is called by yamux, on one goroutine, first with a header and then, if
// the frame has one, with its body.
func (f *frames) Write(p []byte) (int, error) {
	if f.held == (header{}) {
		h := header(p)
		if h.body() > 0 {
			f.held = h
			return len(p), nil
		}
		return len(p), f.put(h, nil)
	}
	h := f.held
	f.held = header{}
	return len(p), f.put(h, p)
}

// put adds a frame to what waits for the Conn.
func (f *frames) put(h header, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.out) >= outHard && !f.stopped() {
		f.await()
	}
	if f.stopped() {
		return f.stopError()
	}
	switch {
	case h.kind() == typePing:
	case h.flags()&flagSYN != 0:
		f.streams[h.stream()] = newPeerState()
	case h.flags()&flagRST != 0:
		// yamux refuses a stream that nobody has seen yet.
		delete(f.streams, h.stream())
	}
	f.out = append(append(f.out, h[:]...), body...)
	f.changed.broadcast()
	return nil
}

// stopped reports whether no more is written. f.mu is held.
func (f *frames) stopped() bool { return f.closed || f.err != nil }

func (f *frames) stopError() error {
	if f.err != nil {
		return f.err
	}
	return net.ErrClosed
}

// await waits until something changes. f.mu is held, but not while waiting.
func (f *frames) await() {
	changed := f.changed.wait()
	f.mu.Unlock()
	<-changed
	f.mu.Lock()
}

// room waits until a stream may add to what waits for the Conn.
func (f *frames) room() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.out) >= outSoft && !f.stopped() {
		f.await()
	}
}

// flush waits until the Conn has taken everything. It gives up when it fails,
// or when expired gets a value.
func (f *frames) flush(expired <-chan time.Time) {
	for {
		f.mu.Lock()
		empty, changed := len(f.out) == 0 && !f.writing || f.stopped(), f.changed.wait()
		f.mu.Unlock()
		if empty {
			return
		}
		select {
		case <-changed:
		case <-expired:
			return
		}
	}
}

// writeConn writes frames to the Conn until the session ends.
func (f *frames) writeConn() {
	defer close(f.written)
	for {
		batch := f.nextBatch()
		if batch == nil {
			return
		}
		_, err := f.conn.Write(batch)
		f.passed(batch, err)
		if err != nil {
			// Lets Read fail too, with this error.
			f.conn.Close()
			return
		}
	}
}

// nextBatch waits for frames to write, and returns nil if there will be none.
func (f *frames) nextBatch() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.out) == 0 && !f.closed {
		f.await()
	}
	if f.closed {
		return nil
	}
	batch := f.out
	f.out, f.spare, f.writing = f.spare[:0], nil, true
	f.changed.broadcast()
	return batch
}

// passed notes that the Conn took batch, or why it did not.
func (f *frames) passed(batch []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing, f.err = false, err
	if cap(batch) <= outKeep {
		f.spare = batch[:0]
	}
	f.changed.broadcast()
}
