package stream

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// maxPartial is how many partial packets may be unacknowledged before more
// small writes wait for an ACK or a full packet (SPEC.md, "Writing").
const maxPartial = 4

// Config is what a Stream needs to know from its surroundings.
type Config struct {
	// MaxPacket is the largest plaintext of a packet, and Overhead what
	// sealing adds to it, in bytes.
	MaxPacket, Overhead int
	// SendBudget and ReceiveBudget are shared with the other streams of the
	// Endpoint.
	SendBudget, ReceiveBudget *Budget
	Blocks                    *Blocks
	// Grant returns how many messages and bytes the peer may have in flight
	// towards us now.
	Grant func(now time.Time) (messages, bytes uint64)
}

// Stats counts what a Stream did.
type Stats struct {
	BytesSent, BytesReceived     uint64 // stream bytes: written by the application, arrived in order
	PacketsSent, PacketsReceived uint64
	Retransmitted                uint64 // packets whose stream data had been sent before
	Duplicates                   uint64 // packets whose stream data had arrived before
}

// A Stream is the state of one Conn's byte stream in both directions. Its
// owner serialises all calls.
type Stream struct {
	config     Config
	out        sender
	in         receiver
	acks       acks
	ledger     ledger
	rtt        rtt
	congestion congestion
	size       pathSize
	push       pusher
	pace       pacer
	trial      trial
	stats      Stats
	delivered  uint64 // bytes of acknowledged packets

	stop, reset, ping, resume signal
	reopen                    signal // an ACK with new credit, made eliciting by a PING
	resetCode                 uint64
	probe                     probe

	stopped   bool // the peer reads no more
	refused   bool // it had not acknowledged all that was written then
	wasReset  bool // the peer gave the stream up
	peerCode  uint64
	linkUp    bool
	restart   time.Time // when the link came up, or the peer last moved on: probe timeouts count from here
	dataAt    time.Time // when stream data last arrived
	movedAt   time.Time // when something written was last acknowledged, or new credit came
	unheard   time.Time // when the first packet since the peer was last heard asked for an answer
	messages  uint64    // grant: messages in flight towards the peer
	bytes     uint64    // grant: bytes in flight
	grantedBy uint64    // number of the packet that brought the grant

	lent  []byte         // what Next overwrote in the send buffer, until Sealed; nil: nothing
	saved [headroom]byte // what stood there

	visitor visitor
	ack     wire.Ack // scratch for outgoing ACKs
	parsed  wire.Ack // scratch for incoming ACKs
}

// New returns the stream of a connection that was just made over a link that
// is up.
func New(config Config, now time.Time) *Stream {
	s := &Stream{
		config:   config,
		out:      sender{data: pieces{blocks: config.Blocks}, budget: config.SendBudget, credit: baseBuffer},
		in:       newReceiver(config.ReceiveBudget, now),
		acks:     acks{epoch: now, every: minAckPackets, quarter: initialGrantBytes / 4},
		size:     newPathSize(config),
		linkUp:   true,
		restart:  now,
		messages: initialMessages,
		bytes:    initialGrantBytes,
	}
	s.congestion = newCongestion(s.size.packet() + config.Overhead)
	s.visitor.stream = s
	return s
}

// Write copies as much of p as there is room for and returns how much that was.
func (s *Stream) Write(p []byte) int {
	n := s.out.write(p, s.size.packet(), 2*s.congestion.window)
	s.stats.BytesSent += uint64(n)
	return n
}

// Read copies out what arrived in order.
func (s *Stream) Read(p []byte) int {
	n, starved := s.in.take(p)
	if starved {
		s.reopen.renew()
	}
	return n
}

// Readable returns how many bytes Read has, and whether the authenticated end
// of the stream follows them, which it does not after bytes that were dropped.
func (s *Stream) Readable() (n int, end bool) {
	return s.in.readable(), s.in.complete() && !s.in.discard
}

// CloseWrite ends the outgoing stream after what was written. A peer that reads
// no more is not told.
func (s *Stream) CloseWrite() {
	s.out.closed = true
	if !s.stopped && !s.over() {
		s.out.fin.raise()
	}
}

// over reports whether one side gave the stream up, after which neither has
// anything else to say.
func (s *Stream) over() bool { return s.wasReset || s.reset.set() }

// Close ends the outgoing stream and tells the peer that nobody reads any more.
func (s *Stream) Close() {
	s.CloseWrite()
	if !s.in.complete() && !s.over() {
		s.stop.raise()
	}
	s.in.abandon()
}

// Reset gives the stream up and tells the peer so. What had arrived can still
// be read.
func (s *Stream) Reset(code uint64) {
	s.resetCode = code
	s.reset.raise()
	s.out.abandon()
}

// Abandon frees all buffers: nobody will read, and nothing will be sent again.
func (s *Stream) Abandon() {
	s.out.abandon()
	s.in.abandon()
}

// DropUnsent frees what was not acknowledged but keeps what can be read.
func (s *Stream) DropUnsent() { s.out.abandon() }

// Ping asks the peer for a sign of life.
func (s *Stream) Ping() { s.ping.renew() }

// Stopped reports whether the peer said that it reads no more.
func (s *Stream) Stopped() bool { return s.stopped }

// Refused reports whether the peer said so before it had everything.
func (s *Stream) Refused() bool { return s.refused }

// WasReset returns the code with which the peer gave the stream up.
func (s *Stream) WasReset() (code uint64, ok bool) { return s.peerCode, s.wasReset }

// WriteClosed reports whether CloseWrite was called.
func (s *Stream) WriteClosed() bool { return s.out.closed }

// Acknowledged reports whether the peer has everything that was written, and
// the end of the stream if it was closed.
func (s *Stream) Acknowledged() bool {
	return s.out.buffered() == 0 && (!s.out.fin.set() || s.out.fin.acked())
}

// MovedAt returns when something written, or the end behind it, was last
// acknowledged, or credit for more came. That of a probe alone does not count.
func (s *Stream) MovedAt() time.Time { return s.movedAt }

// Finished reports whether, after Close, neither side needs anything more of
// the other.
func (s *Stream) Finished() bool {
	sent := s.out.delivered() || s.stopped || s.wasReset
	received := s.in.complete() || s.stop.acked() || s.wasReset
	return sent && received || s.reset.acked()
}

// Settled reports whether nothing can be asked of the peer any more although
// the application has not closed its end yet.
func (s *Stream) Settled() bool {
	return s.in.complete() && (s.stopped || s.out.delivered())
}

// DataAt returns when stream data last arrived.
func (s *Stream) DataAt() time.Time { return s.dataAt }

// LargestAcknowledged returns the largest packet number that the peer has
// acknowledged, and whether there is one.
func (s *Stream) LargestAcknowledged() (number uint64, ok bool) {
	return s.ledger.largest - 1, s.ledger.largest > 0
}

// Stats returns the counts so far and the smoothed round-trip time.
func (s *Stream) Stats() (Stats, time.Duration) {
	stats := s.stats
	stats.BytesReceived = s.in.next
	return stats, s.rtt.smoothed
}

// Delivered returns how many bytes, in packets, the peer has acknowledged so far.
func (s *Stream) Delivered() uint64 { return s.delivered }

// LinkDown stops the retransmission timers while our own link is down.
func (s *Stream) LinkDown() { s.linkUp = false }

// LinkUp starts them again on a new connection: what was lost with the old one
// does not count against the path.
func (s *Stream) LinkUp(now time.Time) {
	s.linkUp = true
	s.ledger.excuse()
	s.restart = now
	s.congestion.reset()
	s.trial, s.pace = trial{}, pacer{}
	s.size.passed = 0
}

// Passed returns the size of the largest packet that was acknowledged since the
// link came up, with all that sealing adds.
func (s *Stream) Passed() int { return s.size.passed }

// Resume tells the peer after a reconnect what arrived here and asks for the
// same, until it answers.
func (s *Stream) Resume() { s.resume.renew() }

// Resuming reports whether a Resume was not answered yet.
func (s *Stream) Resuming() bool { return s.resume.set() && !s.resume.acked() }

// Unacknowledged reports whether data of ours waits for the peer.
func (s *Stream) Unacknowledged() bool { return s.out.buffered() > 0 }

// Unheard returns since when the peer owes an answer; zero: it does not.
func (s *Stream) Unheard() time.Time { return s.unheard }

// ProbeTimeout returns the current probe timeout before any doubling.
func (s *Stream) ProbeTimeout() time.Duration { return s.probeTimeout() }

// SeedRTT gives the stream the round trip that the handshake took.
func (s *Stream) SeedRTT(measured time.Duration) {
	s.rtt.sample(min(max(measured, time.Microsecond), maxRTT))
}

// LimitPacket lowers the packet size, for a broker that hangs up on large ones.
func (s *Stream) LimitPacket(limit int) { s.size.bound(limit) }
