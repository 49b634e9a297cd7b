package tunnel

import (
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// Serve joins a connection on this machine with a stream of the peer, as Join
// does, and tells the logger when it is over, in one line for each stream. The
// logger knows who the peer is and what the connection; who says whether a
// target or a client is at its end.
func Serve(local net.Conn, who string, peer net.Conn, logger *slog.Logger) {
	start := time.Now()
	fromPeer, toPeer, err := join(local, peer)
	logger.Info("served a stream",
		"seconds", time.Since(start).Round(time.Millisecond).Seconds(),
		"from_peer", fromPeer,
		"to_peer", toPeer,
		"end", ui.StreamEnd(err, who))
}
