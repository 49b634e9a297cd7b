package conn

import (
	"context"
	"log/slog"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// LevelTrace is the level below Debug, at which a Conn logs every packet and every
// change of its window, path and state.
const LevelTrace = slog.LevelDebug - 4

// A tracer logs what happens to one Conn, frames included but for their data.
type tracer struct {
	logger *slog.Logger // nil: nobody listens, and nothing is formatted
	conn   string
}

func newTracer(logger *slog.Logger, conn string) tracer {
	if !logger.Enabled(context.Background(), LevelTrace) {
		return tracer{}
	}
	return tracer{logger, conn}
}

func (t tracer) on() bool { return t.logger != nil }

func (t tracer) log(what string, values ...any) {
	if t.on() {
		t.logger.Log(context.Background(), LevelTrace, what, append([]any{"conn", t.conn}, values...)...)
	}
}

func (t tracer) received(own uint8, number uint64, plaintext []byte) {
	if t.on() {
		t.log("packet received", "number", number, "link", own, "size", len(plaintext), "frames", wire.Describe(plaintext))
	}
}

func (t tracer) refused(number uint64, size int, why error) {
	if t.on() {
		t.log("packet refused", "claimed", number, "size", size, "reason", why)
	}
}

func (t tracer) state(s life.State) { t.log("state", "state", s.String()) }

func (t tracer) path(p path.ID, up bool) { t.log("path", "path", p.String(), "up", up) }

// Lost implements stream.Tracer.
func (t tracer) Lost(number uint64, size int) {
	t.log("packet lost", "number", number, "size", size)
}

// Window implements stream.Tracer.
func (t tracer) Window(bytes, packet int, rate float64) {
	t.log("window", "bytes", bytes, "packet", packet, "bytes_per_second", int(rate))
}

// stream returns what the stream tells, nil if nobody listens.
func (t tracer) stream() stream.Tracer {
	if t.on() {
		return t
	}
	return nil
}

// sealer lets packets be seen before they are sealed.
func (t tracer) sealer(s stream.Sealer) stream.Sealer {
	if t.on() {
		return &tracedSealer{Sealer: s, trace: t}
	}
	return s
}

// A tracedSealer is guarded by Conn.filling.
type tracedSealer struct {
	stream.Sealer
	trace  tracer
	number uint64  // of the packet that is made
	path   path.ID // that it goes by
}

// sends tells the sealer which path the next packet goes by.
func (t tracer) sends(s stream.Sealer, p path.ID) {
	if t.on() {
		s.(*tracedSealer).path = p
	}
}

// Next implements stream.Sealer.
func (s *tracedSealer) Next(now time.Time) uint64 {
	s.number = s.Sealer.Next(now)
	return s.number
}

// Seal implements stream.Sealer.
func (s *tracedSealer) Seal(room, plaintext []byte) int {
	s.trace.log("packet sent", "number", s.number, "path", s.path.String(), "size", len(plaintext), "frames", wire.Describe(plaintext))
	return s.Sealer.Seal(room, plaintext)
}
