package mux

import (
	"sync"

	"github.com/hashicorp/yamux"
)

// receiver is the direction of a stream towards us. What the peer sent waits in
// yamux, at most one window; what fetch got of it waits here.
//
// Only one goroutine at a time may read from yamux's stream: two deadlock when
// the stream ends, since they take its locks in different orders.
type receiver struct {
	stream   *stream
	inner    *yamux.Stream
	deadline *deadline
	turn     chan struct{} // holds a token while a Read is under way

	mu       sync.Mutex // guards the rest
	changed  signal     // something below changed
	fetching bool       // somebody reads from yamux's stream, who then owns buffer and unshrunk
	buffer   []byte     // at most chunk bytes; as large as the largest Read
	in       []byte     // the part of buffer that Read has not returned yet
	err      error      // what Read returns after in
	unshrunk int        // bytes fetched since yamux's buffer was last given back
}

func (r *receiver) init(s *stream) {
	r.stream, r.inner, r.deadline, r.turn = s, s.inner, newDeadline(), make(chan struct{}, 1)
}

func (r *receiver) read(b []byte) (int, error) {
	if err := r.stream.take(r.turn, r.deadline); err != nil {
		return 0, err
	}
	defer func() { <-r.turn }()
	for {
		n, changed, err := r.poll(b)
		if changed == nil {
			return n, err
		}
		if err := r.stream.await(changed, r.deadline); err != nil {
			return 0, err
		}
	}
}

// poll returns what is there. If nothing is, it makes sure that fetch runs and
// returns a channel to wait for.
func (r *receiver) poll(b []byte) (n int, changed <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.in) > 0 || len(b) == 0 {
		n = copy(b, r.in)
		r.in = r.in[n:]
		return n, nil, nil
	}
	if r.err != nil {
		return 0, nil, r.err
	}
	if !r.fetching {
		r.fetching = true
		go r.fetch(min(len(b), chunk))
	}
	return 0, r.changed.wait(), nil
}

// fetch gets up to size bytes from yamux, however long that takes.
func (r *receiver) fetch(size int) {
	if cap(r.buffer) < size {
		r.buffer = make([]byte, size)
	}
	n, err := r.inner.Read(r.buffer[:size])
	r.stream.consumed(n)
	if err != nil {
		err = r.stream.failure("read", err)
	}
	r.shrink(n, size)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in, r.err, r.fetching = r.buffer[:n], err, false
	r.changed.broadcast()
}

// claim waits until fetch has returned and keeps it from running again. Whoever
// calls it may then read from yamux's stream.
func (r *receiver) claim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.fetching {
		changed := r.changed.wait()
		r.mu.Unlock()
		<-changed
		r.mu.Lock()
	}
	r.fetching = true
}

// shrinkAfter is how many bytes pass before yamux's buffer of a stream is given
// back once it is empty, since yamux keeps it at its largest size.
const shrinkAfter = 256 << 10

func (r *receiver) shrink(n, size int) {
	r.unshrunk += n
	if n < size && r.unshrunk >= shrinkAfter {
		r.inner.Shrink()
		r.unshrunk = 0
	}
}
