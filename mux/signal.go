package mux

// A signal tells any number of goroutines that something changed. The mutex of
// what it belongs to guards it.
type signal struct {
	waiters chan struct{} // nil while nobody waits
}

// wait returns a channel that closes at the next broadcast.
func (s *signal) wait() <-chan struct{} {
	if s.waiters == nil {
		s.waiters = make(chan struct{})
	}
	return s.waiters
}

func (s *signal) broadcast() {
	if s.waiters != nil {
		close(s.waiters)
		s.waiters = nil
	}
}
