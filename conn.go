package mqtte2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
)

// A Conn is an ordered, encrypted byte stream between two programs. It is a
// net.Conn and behaves like a TCP connection where net.Conn leaves things open:
//
//   - Read returns io.EOF only after the peer ended its stream, by Close or
//     CloseWrite, and every byte before was read. A stream that breaks ends
//     with another error, after what had arrived until then.
//   - Write returns when the data is in a bounded buffer, and waits while that
//     is full. After the peer closed, Write fails with syscall.EPIPE.
//   - With several brokers in the address it moves from one to another when the
//     one in use fails, without losing a byte.
//   - A connection to the broker that is lost, at either end, is made again
//     for as long as Config.PeerTimeout allows; meanwhile Read and Write wait.
//   - Deadlines that passed leave the Conn usable: Write's count is exact.
//   - All methods may be called at the same time.
type Conn struct{ c *engine.Conn }

var _ net.Conn = (*Conn)(nil)

// Format implements fmt.Formatter: every verb prints the addresses of both ends
// and nothing else.
func (c *Conn) Format(state fmt.State, verb rune) {
	io.WriteString(state, "mqtte2e.Conn{"+c.LocalAddr().String()+" "+c.RemoteAddr().String()+"}")
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.c.Read(b)
	return n, c.opError("read", err)
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.c.Write(b)
	return n, c.opError("write", err)
}

// Close ends both directions. It wakes Read and Write at once, and then waits
// until the peer has what was written and knows that it ended, at most one
// second, and no longer once nothing was written, acknowledged or asked for in
// half a second, so not at all on a Conn at rest. What is left is still
// delivered in the background, for 30 seconds or Config.PeerTimeout if that is
// less, as long as the program and the Endpoint live. Closing again does
// nothing.
func (c *Conn) Close() error { return c.opError("close", c.c.Close()) }

// CloseWrite ends the stream to the peer, whose Read returns io.EOF once it
// has everything. Read goes on.
func (c *Conn) CloseWrite() error { return c.opError("close", c.c.CloseWrite()) }

// Shutdown is CloseWrite, then waiting until the peer has acknowledged
// everything, then Close, which it does in any case. A program that exits
// after Shutdown returned nil has delivered all that it wrote.
func (c *Conn) Shutdown(ctx context.Context) error {
	return c.opError("shutdown", c.c.Shutdown(ctx))
}

// Reset gives both directions up at once, without delivering what was written.
// The peer's Read fails with syscall.ECONNRESET after what had arrived: it is
// for a source that broke, whose stream must not seem to have ended.
func (c *Conn) Reset() error {
	c.c.Abort()
	return nil
}

// LocalAddr implements net.Conn. At a listener's end it is its name, NAME:0,
// at a dialer's peer-ID:0 with the id that the logs of both ends use.
func (c *Conn) LocalAddr() net.Addr { return c.addr(!c.c.Dialer()) }

// RemoteAddr implements net.Conn. At a dialer's end it is the listener's name,
// NAME:0, at a listener's peer-ID:0 with the id that the logs of both ends use.
func (c *Conn) RemoteAddr() net.Addr { return c.addr(c.c.Dialer()) }

func (c *Conn) addr(listener bool) net.Addr {
	if listener {
		return address.OfListener(c.c.Name())
	}
	return address.OfDialer(c.c.ID())
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.opError("set", c.c.SetReadDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.opError("set", c.c.SetWriteDeadline(t))
}

// Protocol returns what dialer and listener agreed to use the stream for; ""
// is the plain stream.
func (c *Conn) Protocol() string { return c.c.Protocol() }

// Stats returns what the Conn did so far.
func (c *Conn) Stats() Stats {
	s := c.c.Stats()
	return Stats{
		BytesSent:       s.BytesSent,
		BytesReceived:   s.BytesReceived,
		PacketsSent:     s.PacketsSent,
		PacketsReceived: s.PacketsReceived,
		Retransmitted:   s.Retransmitted,
		Duplicates:      s.Duplicates,
		Rejected:        s.Rejected,
		Reconnects:      c.c.Reconnects(),
		Moves:           s.Moves,
		RTT:             s.RTT,
		Silent:          c.silent(time.Now()),
	}
}

func (c *Conn) silent(now time.Time) time.Duration {
	since := c.c.SilentSince()
	if since.IsZero() {
		return 0
	}
	return max(now.Sub(since), 1) // what began this instant is not nothing
}

// Stats counts what a Conn did, or a Listener, which has Rejected and
// Reconnects only.
type Stats struct {
	BytesSent     uint64 // stream bytes taken by Write
	BytesReceived uint64 // stream bytes that arrived in order

	PacketsSent     uint64
	PacketsReceived uint64 // packets that authenticated
	Retransmitted   uint64 // packets sent with stream data that was sent before
	Duplicates      uint64 // packets received with stream data that was there already

	// Rejected counts what did not authenticate: at a Conn packets with its
	// id, at a Listener all that belongs to no Conn of its Endpoint, oversize
	// and retained messages included.
	Rejected uint64

	Reconnects uint64 // of the Endpoint to its brokers
	Moves      uint64 // of the Conn from one broker to another

	// RTT is the smoothed round-trip time to the peer, 0 before the first
	// measurement.
	RTT time.Duration

	// Silent is how long the Conn has been waiting for a sign of the peer: the
	// connection to the broker is down, or what was sent is not answered. 0: it
	// is not. An idle Conn asks rarely, and learns late that its peer is away.
	Silent time.Duration
}
