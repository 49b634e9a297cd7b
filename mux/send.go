package mux

import (
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// sender is the direction of a stream towards the peer. Write copies into out,
// and send passes it on to yamux.
type sender struct {
	stream   *stream
	inner    *yamux.Stream
	deadline *deadline
	turn     chan struct{} // holds a token while a Write is under way
	flushed  chan struct{} // closed when everything and the end of it were sent, or failed

	mu      sync.Mutex // guards the rest
	changed signal     // something below changed
	sending bool       // send runs, which then owns spare
	ended   bool       // nothing more is to be written
	out     []byte     // what send sends next; at most chunk bytes, then Write waits
	spare   []byte     // the buffer that out takes turns with
	err     error      // why nothing can be sent any more
}

func (w *sender) init(s *stream) {
	w.stream, w.inner, w.deadline, w.turn, w.flushed = s, s.inner, newDeadline(), make(chan struct{}, 1), make(chan struct{})
}

func (w *sender) write(b []byte) (written int, err error) {
	if err := w.stream.take(w.turn, w.deadline); err != nil {
		return 0, err
	}
	defer func() { <-w.turn }()
	for {
		n, changed, err := w.put(b[written:])
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
		if err := w.stream.await(changed, w.deadline); err != nil {
			return written, err
		}
	}
}

// put copies what there is room for, and returns a channel to wait for more.
func (w *sender) put(b []byte) (n int, changed <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, nil, w.err
	}
	if w.ended {
		return 0, nil, net.ErrClosed
	}
	if err := w.stream.gone(); err != nil {
		return 0, nil, err
	}
	n = min(len(b), chunk-len(w.out))
	w.out = append(w.out, b[:n]...)
	if n > 0 {
		w.start()
	}
	return n, w.changed.wait(), nil
}

// start makes sure that send runs. w.mu is held.
func (w *sender) start() {
	if !w.sending {
		w.sending = true
		go w.send()
	}
}

// end lets no more be written. The peer is told after what is in out.
func (w *sender) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.ended = true
	w.changed.broadcast()
	w.start()
}

// send passes on what was written until there is nothing left.
func (w *sender) send() {
	for {
		batch, last := w.next()
		if batch != nil {
			w.stream.session.frames.room()
			_, err := w.inner.Write(batch)
			w.passed(batch, err)
			continue
		}
		if last {
			// Tells the peer, and does nothing if the session has ended.
			w.inner.Close()
			w.finished()
		}
		return
	}
}

// next takes what is in out. If that is nothing, send has to return; last says
// that it has to tell the peer before.
func (w *sender) next() (batch []byte, last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.out) > 0 {
		batch, w.out, w.spare = w.out, w.spare[:0], nil
		w.changed.broadcast()
		return batch, false
	}
	if !w.ended {
		w.sending = false
		w.changed.broadcast()
	}
	return nil, w.ended
}

// passed notes that yamux took batch, or why it did not.
func (w *sender) passed(batch []byte, err error) {
	if err != nil {
		err = w.stream.failure("write", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spare = batch[:0]
	if err != nil {
		w.err, w.out = err, nil
		w.changed.broadcast()
	}
}

func (w *sender) finished() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sending = false
	w.changed.broadcast()
	close(w.flushed)
}

// flush waits until yamux has taken all that was written. It returns false if
// expired closes, or gets a value, first.
func (w *sender) flush(expired <-chan time.Time) bool {
	for {
		w.mu.Lock()
		sending, changed := w.sending, w.changed.wait()
		w.mu.Unlock()
		if !sending {
			return true
		}
		select {
		case <-changed:
		case <-expired:
			return false
		}
	}
}
