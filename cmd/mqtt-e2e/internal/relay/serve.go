package relay

import (
	"log/slog"
	"net"
	"strings"
	"time"
)

// Serve joins a connection on this machine with a stream of the peer, as Join
// does, and tells the logger when it is over, in one line for each stream. The
// logger knows who the peer is and what the connection.
func Serve(local, peer net.Conn, logger *slog.Logger) {
	start := time.Now()
	fromPeer, toPeer, err := join(local, peer)
	logger.Info("served a stream",
		"seconds", time.Since(start).Round(time.Millisecond).Seconds(),
		"from_peer", fromPeer,
		"to_peer", toPeer,
		"end", end(err))
}

// end says in one line how a stream ended.
func end(err error) string {
	if err == nil {
		return "complete"
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ") // of two directions
}
