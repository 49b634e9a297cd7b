package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// maxPreamble is how much may come in, in bytes, before MQTT begins: a proxy's answer, a TLS handshake with its certificates, the
// header of a WebSocket response. The libraries that read them trust their peer with any amount.
const maxPreamble = 1 << 20

var errPreamble = fmt.Errorf("more than %d bytes came in before MQTT began: check that host and port are the broker's", maxPreamble)

// socket is the connection to the network, below TLS, WebSocket and a proxy's handshake: the place for what concerns the
// network and not the protocols above it.
type socket struct {
	net.Conn
	tuning
	fresh bool // Read has given something since; owned by the reading goroutine

	preamble int    // bytes that may still come in before MQTT begins; negative once it has. Owned by the reading goroutine
	first    []byte // the first of them, at most maxFirst; owned by the reading goroutine
}

// tuning is what a socket is told again and again.
type tuning struct {
	rearm func()          // after each read: quick acknowledgement, which the kernel gives up by itself
	bound func(limit int) // how many bytes may wait in it unsent
}

// untuned is for what is no socket.
var untuned = tuning{func() {}, func(int) {}}

func newSocket(conn net.Conn) *socket {
	return &socket{Conn: conn, tuning: tuneSocket(conn), preamble: maxPreamble}
}

// Read reads what has arrived. Only when it is called again, hence when what it gave last has been handled, does it acknowledge
// that: an answer may have gone meanwhile and carried the acknowledgement, and if not, nobody waited for it but the broker.
func (s *socket) Read(p []byte) (int, error) {
	if s.fresh {
		s.rearm()
	}
	n, err := s.Conn.Read(p)
	s.fresh = n > 0
	if s.preamble >= 0 {
		s.first = append(s.first, p[:min(n, maxFirst-len(s.first))]...)
		if s.preamble -= n; s.preamble < 0 {
			return 0, errPreamble
		}
	}
	return n, err
}

// flooded tells whether too much came in before MQTT began.
func (s *socket) flooded() bool { return s.preamble < 0 }

// begin ends the preamble; what comes in from now on is framed by the link.
func (s *socket) begin() { s.preamble = -1 }

// Write writes all of p unless nothing moves for answerTimeout; since progress shows only when a period is over, that is
// noticed after one to two periods. A deadline for the whole write would do for a fast network; where a batch takes longer than
// that to send it would break every connection again and again.
func (s *socket) Write(p []byte) (written int, err error) {
	for {
		s.Conn.SetWriteDeadline(time.Now().Add(answerTimeout))
		n, err := s.Conn.Write(p[written:])
		written += n
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return written, err
		case n == 0:
			return written, fmt.Errorf("the network took no byte for %v: %w", answerTimeout, err)
		}
	}
}
