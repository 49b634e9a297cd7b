package tunnel

import (
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// Who is at the end of a connection on this machine, for the record.
const (
	AtTarget = "the target"
	AtClient = "the client"
)

// Serve joins a connection on this machine with a stream of the peer, as Join
// does, and tells the logger when it is over, in one line for each stream. The
// logger knows who the peer is and what the connection; who is AtTarget or
// AtClient.
func Serve(local net.Conn, who string, peer net.Conn, logger *slog.Logger) {
	logger.Debug("joined with " + who)
	start := time.Now()
	fromPeer, toPeer, err := join(local, peer)
	Record(logger, start, fromPeer, toPeer, ui.StreamEnd(err, who))
}

// Record tells the logger of a stream that is over.
func Record(logger *slog.Logger, start time.Time, fromPeer, toPeer int64, end string) {
	logger.Info("served a stream",
		"seconds", time.Since(start).Round(time.Millisecond).Seconds(),
		"from_peer", fromPeer,
		"to_peer", toPeer,
		"end", end)
}
