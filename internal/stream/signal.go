package stream

// A signal is something besides data that the peer must be told reliably. It
// is repeated until a packet that carried it is acknowledged.
type signal struct {
	state signalState
	since uint64 // the first packet that carried it after it was raised; earlier ones say nothing about it
}

type signalState uint8

const (
	signalUnset signalState = iota // nothing to tell
	signalFresh                    // raised, not sent yet
	signalAgain                    // sent, to be repeated
	signalSent
	signalAcked
)

func (s *signal) set() bool    { return s.state != signalUnset }
func (s *signal) unsent() bool { return s.state == signalFresh || s.state == signalAgain }
func (s *signal) acked() bool  { return s.state == signalAcked }

// raise starts the telling, once.
func (s *signal) raise() {
	if s.state == signalUnset {
		s.state = signalFresh
	}
}

// renew starts it anew, whatever the peer was told before.
func (s *signal) renew() { s.state = signalFresh }

// retry repeats what was not acknowledged.
func (s *signal) retry() {
	if s.state == signalSent {
		s.state = signalAgain
	}
}

// drop stops the telling of what the peer has not confirmed.
func (s *signal) drop() {
	if s.state != signalAcked {
		s.state = signalUnset
	}
}

// send takes note that the packet with this number carries it.
func (s *signal) send(number uint64) {
	if s.state == signalFresh {
		s.since = number
	}
	s.state = signalSent
}

// acknowledge takes note that the peer has the packet with this number.
func (s *signal) acknowledge(number uint64) {
	if s.state > signalFresh && number >= s.since {
		s.state = signalAcked
	}
}

// lose takes note that the packet with this number was lost.
func (s *signal) lose(number uint64) {
	if number >= s.since {
		s.retry()
	}
}

// control is the set of signals that a packet carried, as bits in the order of
// Stream.signals.
type control uint8

const (
	controlFin control = 1 << iota
	controlStop
	controlReset
	controlPing
	controlResume
	controlCredit
)

// signals returns all signals in the order of control's bits.
func (s *Stream) signals() [6]*signal {
	return [...]*signal{&s.out.fin, &s.stop, &s.reset, &s.ping, &s.resume, &s.reopen}
}
