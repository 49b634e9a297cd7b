package mqtte2e

import (
	"fmt"
	"io"
	"net"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
)

// A Listener accepts the Conns that are dialled to its name. It is a
// net.Listener.
type Listener struct {
	l   *engine.Listener
	own *Endpoint // ends with the Listener and its Conns; nil if the caller has it

	fleet  bool // as Config.Fleet was
	broker address.Address
}

var _ net.Listener = (*Listener)(nil)

// Format implements fmt.Formatter: every verb prints the name and nothing else.
// Without it %s would print what own points to.
func (l *Listener) Format(state fmt.State, verb rune) {
	io.WriteString(state, "mqtte2e.Listener{"+l.Addr().String()+"}")
}

// Accept implements net.Listener. It returns only Conns whose peers have proved
// that they hold the key, as *Conn, and fails only once the Listener or its
// Endpoint is closed: neither a peer nor an outage of the broker can make it.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.l.Accept()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: "mqtt", Addr: l.Addr(), Err: err}
	}
	return &Conn{c}, nil
}

// Close ends Accept. Conns that were accepted live on.
func (l *Listener) Close() error {
	err := l.l.Close()
	if l.own != nil {
		go l.own.engine.Retire()
	}
	return err
}

// opError dresses an error of the engine.
func (l *Listener) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: "mqtt", Addr: l.Addr(), Err: withHint(err, l.broker)}
}

// Addr returns the name, as NAME:0.
func (l *Listener) Addr() net.Addr { return address.OfListener(l.l.Name()) }

// Stats returns what was rejected so far, and how often the connection to the
// broker was made again.
func (l *Listener) Stats() Stats {
	s := l.l.Stats()
	return Stats{Rejected: s.Rejected, Reconnects: s.Reconnects}
}
