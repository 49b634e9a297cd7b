package mux

import "time"

const (
	// outSoft is how many bytes may wait for the Conn before streams stop
	// adding to them. Two frames keep a Conn busy; more would only delay the
	// streams that have little to send. Each stream may be a frame late.
	outSoft = 2 * maxFrame

	// outHard is when the peer gets no more answers to what it asks by pings
	// and new streams. Only one that asks without reading comes there: it is
	// more than streams of both ends have waiting.
	outHard = outSoft + 2*maxStreams*maxFrame

	// writeGrace is how long a Conn that cannot be written is still read. The
	// peer may have closed it after sending the rest of its streams.
	writeGrace = 10 * time.Second
)

// Write is called by yamux, on one goroutine, first with a header and then, if
// the frame has one, with its body.
func (f *frames) Write(p []byte) (int, error) {
	switch {
	case f.held.body() > 0:
		f.put(f.held, p)
		f.held = header{}
	default:
		if f.held = header(p); f.held.body() == 0 {
			f.put(f.held, nil)
		}
	}
	return len(p), nil
}

// put adds a frame of yamux to what waits for the Conn. It does not fail if the
// Conn did, since that would make yamux close it, with what can still be read.
func (f *frames) put(h header, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := h.kind() == typePing
	switch {
	case h.kind() == typeWindowUpdate && h.flags() == 0:
		return // consumed says how much the peer may send
	case h.kind() == typeWindowUpdate && h.flags()&flagSYN != 0:
		f.add(h.stream())
	case h.kind() == typeWindowUpdate && h.flags()&flagRST != 0:
		// yamux refuses a stream that nobody has seen yet.
		f.drop(f.streams[h.stream()])
		answer = true
	}
	if h.kind() == typeWindowUpdate {
		h.setLength(0)
	}
	if !answer || len(f.out) < outHard {
		f.enqueue(&h, body)
	}
}

// enqueue adds a frame to what waits for the Conn. f.mu is held.
func (f *frames) enqueue(h *header, body []byte) {
	if f.closed || f.err != nil {
		return
	}
	f.out = append(append(f.out, h[:]...), body...)
	f.filled.Signal()
}

// room waits until less than limit waits for the Conn, or the session has
// ended. It fails when check does, which is called with f.mu held.
func (f *frames) room(limit int, check func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if err := check(); err != nil || len(f.out) < limit || f.closed {
			return err
		}
		f.drained.Wait()
	}
}

// lookAgain wakes whoever waits for room.
func (f *frames) lookAgain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drained.Broadcast()
}

// send writes frames to the Conn until the session has ended and the Conn has
// all or failed, and closes it.
func (f *frames) send() {
	defer f.conn.Close()
	for batch := f.next(nil); len(batch) > 0; batch = f.next(batch) {
		if _, err := f.conn.Write(batch); err != nil {
			f.fail(err)
		}
	}
}

// next waits for frames to write, and returns none if there will be none. The
// buffer of those before is used again.
func (f *frames) next(before []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.out) == 0 && !f.closed {
		f.filled.Wait()
	}
	batch := f.out
	f.out = before[:0]
	f.drained.Broadcast()
	return batch
}

// fail notes that the Conn takes no more. Once reading it has ended, too, yamux
// closes it.
func (f *frames) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.out = err, nil
	f.drained.Broadcast()
	f.conn.SetReadDeadline(time.Now().Add(writeGrace))
}
