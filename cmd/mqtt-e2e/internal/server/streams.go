package server

import (
	"sync"
	"time"
)

// lastWords is how long Wait waits. Streams whose Conn is closed end at once,
// but for those of which only the direction from a silent target is left.
const lastWords = time.Second

// streams counts the streams that are being served.
type streams struct {
	mu   sync.Mutex // guards all below
	n    int
	idle chan struct{} // not nil: closed when n is 0
}

func (s *streams) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
}

func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n--
	if s.n == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// Wait waits, for a second at most, until what is to be said of each stream is
// in the log. It is for a program that ends, after the Conns were closed.
func (s *Server) Wait() {
	select {
	case <-s.streams.ended():
	case <-time.After(lastWords):
	}
}

// ended returns what is closed when no stream is left.
func (s *streams) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := make(chan struct{})
	if s.n == 0 {
		close(idle)
	} else {
		s.idle = idle
	}
	return idle
}
