package mux

import (
	"io"
	"math"
	"time"

	"github.com/hashicorp/yamux"
)

// Protocol is the name that the ends of a Conn agree on, if it is to carry
// streams.
const Protocol = "mux"

const (
	// maxStreams is how many streams a peer may have open in a session. The
	// peer's further ones wait unaccepted, up to backlog, then its Open waits.
	maxStreams = 256

	// backlog is how many streams may wait between Open and the acceptance of
	// them by the peer's session. 256 is yamux's own default, which a peer of
	// another make has; it refuses what is more.
	backlog = 256

	// maxFrame is the largest body of a frame that we send, bytes. A frame is the unit in
	// which streams take turns; 32 KiB is what io.Copy writes.
	maxFrame = 32 << 10

	// grace is how long after our Close a peer may still send: one that writes
	// before it reads gets to read what it was sent. What goes on longer, or
	// sends more than maxWindow, will not stop by itself and is reset.
	grace = 5 * time.Second

	// closeTimeout is how long after our Close the peer may keep its end
	// without sending. It is long because the peer may be reading slowly.
	closeTimeout = time.Hour

	// sessionFlush is how long after Session.Close what was written before may
	// take to reach the Conn, which then lingers by itself.
	sessionFlush = time.Second
)

// yamuxConfig turns off every timer of yamux: whether the peer is alive is for
// the Conn below to say, which survives a restart of the broker, and whether a
// stream is wanted is for its owner.
func yamuxConfig() *yamux.Config {
	return &yamux.Config{
		AcceptBacklog:          backlog,
		KeepAliveInterval:      time.Hour, // unused, but yamux refuses 0
		ConnectionWriteTimeout: math.MaxInt64,
		MaxStreamWindowSize:    2 * maxWindow, // of which yamux tells the peer nothing, and whose half it always allows
		LogOutput:              io.Discard,
	}
}
