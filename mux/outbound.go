package mux

import "time"

const (
	// outSoft is how many bytes may wait for the Conn before streams stop
	// adding to them. Two chunks keep a Conn busy; more would only delay the
	// streams that have little to send.
	outSoft = 2 * chunk

	// outHard is when yamux has to wait as well. It is reached only if very
	// many streams, each with a chunk, or a flood of what asks for answers
	// come at once.
	outHard = 4 << 20

	// writeGrace is how long a Conn that cannot be written is still read. The
	// peer may have closed it after sending the rest of its streams.
	writeGrace = 10 * time.Second

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
		f.put(h, nil)
		return len(p), nil
	}
	f.put(f.held, p)
	f.held = header{}
	return len(p), nil
}

// put adds a frame of yamux to what waits for the Conn. It does not fail if the
// Conn did, since that would make yamux close it, with what can still be read.
func (f *frames) put(h header, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.out) >= outHard && !f.stopped() {
		f.await()
	}
	switch {
	case h.kind() == typePing || h.kind() == typeGoAway:
	case h.kind() == typeWindowUpdate && h.flags() == 0:
		return // consumed says how much the peer may send
	case h.flags()&flagSYN != 0:
		f.streams[h.stream()] = newPeerState()
	case h.flags()&flagRST != 0:
		// yamux refuses a stream that nobody has seen yet.
		delete(f.streams, h.stream())
	}
	if h.kind() == typeWindowUpdate {
		h.setLength(0)
	}
	f.enqueue(&h, body)
}

// enqueue adds a frame to what waits for the Conn. f.mu is held.
func (f *frames) enqueue(h *header, body []byte) {
	if f.stopped() {
		return
	}
	f.out = append(append(f.out, h[:]...), body...)
	f.changed.broadcast()
}

// stopped reports whether no more is written. f.mu is held.
func (f *frames) stopped() bool { return f.closed || f.err != nil }

// writeError returns why nothing can be written any more.
func (f *frames) writeError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
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
			f.giveUp()
			return
		}
	}
}

// giveUp closes the Conn, unless reading it makes yamux do so before.
func (f *frames) giveUp() {
	timer := time.AfterFunc(writeGrace, func() {
		f.mu.Lock()
		f.gaveUp = !f.closed
		f.mu.Unlock()
		f.conn.Close()
	})
	defer timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.closed {
		f.await()
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
	if err != nil {
		f.out = nil
	}
	if cap(batch) <= outKeep {
		f.spare = batch[:0]
	}
	f.changed.broadcast()
}
