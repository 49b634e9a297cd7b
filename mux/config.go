package mux

import (
	"io"
	"math"
	"time"

	"github.com/hashicorp/yamux"
)

const (
	// protocol is the name that the ends of a Conn agree on.
	protocol = "mux"

	// maxStreams is how many streams a peer may have open in a session. The
	// peer's further ones wait unaccepted, up to backlog, then its Open waits.
	maxStreams = 256

	// backlog is how many streams may wait between the peer's Open and our
	// session's acceptance of them. 256 is yamux's own default, which a peer
	// of another make has; a peer that sent more would be refused.
	backlog = 256

	// chunk is the largest frame that we send, bytes, and the size of the
	// send buffer of a stream. A frame is the unit in which streams take
	// turns; 32 KiB is what io.Copy writes.
	chunk = 32 << 10

	// flushTimeout is how long what was written before Close may take to be
	// sent. The peer does not read if it is exceeded.
	flushTimeout = 30 * time.Second

	// A peer that still sends grace after our Close, or more than maxWindow,
	// will not stop by itself: the stream is reset. The grace lets a peer that
	// writes before it reads get to read what it was sent.
	grace = 5 * time.Second

	// closeTimeout is how long after our Close the peer may keep its end
	// without sending. It is long because the peer may be reading slowly.
	closeTimeout = time.Hour

	// sessionFlush is how long Session.Close waits for what was written to its
	// streams to reach the Conn, which then lingers by itself.
	sessionFlush = time.Second
)

// yamuxConfig turns off every timer of yamux: whether the peer is alive is for
// the Conn below to say, which survives a restart of the broker, and whether a
// stream is wanted is for its owner.
func yamuxConfig() *yamux.Config {
	return &yamux.Config{
		AcceptBacklog:          backlog,
		EnableKeepAlive:        false,
		KeepAliveInterval:      time.Hour, // unused, but yamux refuses 0
		ConnectionWriteTimeout: math.MaxInt64,
		MaxStreamWindowSize:    2 * maxWindow, // of which yamux tells the peer nothing, and whose half it always allows
		StreamOpenTimeout:      0,
		StreamCloseTimeout:     0,
		LogOutput:              io.Discard,
	}
}
