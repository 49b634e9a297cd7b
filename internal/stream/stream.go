package stream

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// maxPartial is how many partial packets may be unacknowledged before more
// small writes wait for an ACK or a full packet (SPEC.md, "Sending").
const maxPartial = 4

// Config is what a Stream needs to know from its surroundings.
type Config struct {
	// MaxPacket is the largest plaintext of a packet, Overhead what sealing adds
	// to it, Header of that before it, and PadSize the shortest plaintext, bytes.
	MaxPacket, Overhead, Header, PadSize int
	Sealer                               Sealer
	// RTT is the round trip that the handshake took; 0: not known. FirstAnswers
	// says that the first packet received answers what was sent when the stream was made.
	RTT          time.Duration
	FirstAnswers bool
	Tracer       Tracer // nil: none
	// SendBudget and ReceiveBudget are shared with the other streams of the
	// Endpoint.
	SendBudget, ReceiveBudget *Budget
	Blocks                    *Blocks
	Ensemble                  *Ensemble // shared by the streams to one process; nil: nobody shares it
	// Grant returns how many messages and bytes the peer may have in flight
	// towards us now.
	Grant func(now time.Time) (messages, bytes uint64)
}

// A Sealer protects the packets of one direction: a record.Sealer. Who calls Next
// sees to it that nobody else uses it meanwhile.
type Sealer interface {
	// Next returns the number of the packet that Seal makes next.
	Next(now time.Time) uint64
	// Acknowledged tells of the highest number that the peer has acknowledged.
	Acknowledged(number uint64)
	// Seal makes a packet at the beginning of room and returns its size. The
	// plaintext lies in room behind the header, or apart from room, and then stays
	// as it is.
	Seal(room, plaintext []byte) int
}

// A Tracer is told what a Stream decides.
type Tracer interface {
	Lost(number uint64, size int)                // a packet is declared lost
	Window(bytes, packet int, perSecond float64) // how much may be in flight, in packets of which size, and the best rate, changed
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
	sent       inFlight
	rtt        rtt
	congestion congestion
	size       pathSize
	push       pusher
	pace       pacer
	gate       gate
	trial      trial
	member     member // of the Ensemble's rates
	stats      Stats
	received   Received // what the packet at hand brought
	traced     int      // the window that Config.Tracer was last told of

	stop, reset, ping, resume signal
	reopen                    signal // an ACK with new credit, made eliciting by a PING
	resetCode                 uint64
	probe                     probe

	stopped   bool // the peer reads no more
	refused   bool // it had not acknowledged all that was written then
	wasReset  bool // the peer gave the stream up
	peerCode  uint64
	path      uint8  // that is sent on, which RESUME tells
	resumes   uint64 // how often Resume was called
	resumed   uint64 // how often the peer has resumed
	pathUp    bool
	restart   time.Time // when a path came up, or the peer last moved on: probe timeouts count from here
	movedAt   time.Time // when something written was last acknowledged, or new credit came
	unheard   time.Time // when the first packet since the peer was last heard asked for an answer
	stalled   time.Time // when the first packet since one was last acknowledged on this path asked for an answer
	messages  uint64    // grant: messages in flight towards the peer
	bytes     uint64    // grant: bytes in flight
	grantedBy uint64    // number of the packet that brought the grant

	visitor visitor
	ack     wire.Ack // scratch for outgoing ACKs
	parsed  wire.Ack // scratch for incoming ACKs
}

// New returns the stream of a connection that was just made over a path that
// works.
func New(config Config, now time.Time) *Stream {
	s := &Stream{
		config:   config,
		out:      sender{data: sendBuffer{blocks: config.Blocks}, budget: config.SendBudget, credit: baseBuffer},
		in:       newReceiver(config.ReceiveBudget, now),
		acks:     acks{epoch: now, every: minAckPackets, quarter: initialGrantBytes / 4},
		size:     newPathSize(config),
		pathUp:   true,
		restart:  now,
		messages: initialMessages,
		bytes:    initialGrantBytes,
	}
	s.congestion = newCongestion(s.size.packet() + config.Overhead)
	s.visitor.stream = s
	if s.push.shared = config.Ensemble; config.Ensemble == nil {
		s.push.shared = NewEnsemble()
	}
	if config.RTT > 0 {
		s.seed(config.RTT)
	}
	return s
}

// seed takes the round trip that the handshake took.
func (s *Stream) seed(measured time.Duration) {
	s.rtt.sample(min(max(measured, time.Microsecond), maxRTT))
}

// Write copies as much of p as there is room for and returns how much that was.
func (s *Stream) Write(p []byte) int {
	n := s.out.write(p, s.size.packet(), 2*s.congestion.window)
	s.stats.BytesSent += uint64(n)
	return n
}

// Read copies out what arrived in order. end: nothing was left, and the
// authenticated end of the stream follows, which it does not after bytes that were
// dropped.
func (s *Stream) Read(p []byte) (n int, end bool) {
	if s.in.readable() == 0 {
		return 0, s.in.complete() && !s.in.discard
	}
	n, starved := s.in.take(p)
	if starved {
		s.reopen.renew()
	}
	return n, false
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

// Abandon frees what was not acknowledged: nothing will be sent again. What arrived
// can still be read, unless nobody will.
func (s *Stream) Abandon(read bool) {
	s.out.abandon()
	if !read {
		s.in.abandon()
	}
}

// Ping asks the peer for a sign of life.
func (s *Stream) Ping() { s.ping.renew() }

// Resume tells the peer after a reconnect what arrived here and asks for the
// same, until it answers.
func (s *Stream) Resume() {
	s.resumes++
	s.resume.renew()
}

// NoPath stops the retransmission timers while nothing can reach the peer.
func (s *Stream) NoPath() { s.pathUp = false }

// PathUp starts them again after the path was lost, or on another one, that passes packets
// of limit bytes of plaintext at most: what was lost before does not count against it, and
// what was learnt before says nothing about it (RFC 9000, 9.4).
func (s *Stream) PathUp(now time.Time, limit int) {
	s.pathUp = true
	s.restart = now
	s.forgetPath()
	s.size.bound(limit)
}

// Move is PathUp on another path, which RESUME names: round trip, window and packet size
// are those of the beginning. measured is the round trip there; 0: not known.
func (s *Stream) Move(now time.Time, path uint8, limit int, measured time.Duration) {
	s.SetPath(path, limit)
	s.rtt = rtt{}
	if measured > 0 {
		s.seed(measured)
	}
	end := s.congestion.round.end
	s.congestion = newCongestion(s.size.packet() + s.config.Overhead)
	s.congestion.round.end = end
	s.PathUp(now, limit)
}

// Count says whether somebody counts our messages, so that each is as large as it can be.
func (s *Stream) Count(counted bool) { s.size.counted = counted }

// Bound makes packets no larger than limit bytes of plaintext: the path takes no more.
func (s *Stream) Bound(limit int) { s.size.bound(limit) }

// SetPath says which path is in use from the beginning, and what it passes.
func (s *Stream) SetPath(path uint8, limit int) {
	s.path = path
	s.size = newPathSize(s.config)
	s.size.bound(limit)
}

// trace tells the Tracer of another window.
func (s *Stream) trace() {
	if c := &s.congestion; s.config.Tracer != nil && c.window != s.traced {
		s.traced = c.window
		s.config.Tracer.Window(c.window, c.packet, c.rate.best())
	}
}

// forgetPath begins anew what was learnt of a path.
func (s *Stream) forgetPath() {
	s.standAlone()
	s.sent.restart()
	s.stalled = time.Time{}
	s.congestion.reset()
	s.trial, s.pace, s.gate = trial{}, pacer{}, gate{}
	s.size.passed = 0
}

// A Status is what a Stream's owner may want to know of it.
type Status struct {
	Finished     bool // after Close, neither side needs anything more of the other
	Settled      bool // nothing can be asked of the peer any more, though the application has not closed yet
	Acknowledged bool // the peer has everything that was written, and the end of the stream if it was closed
	Waiting      bool // data waits for the peer's acknowledgement
	WriteClosed  bool // CloseWrite was called
	Stopped      bool // the peer said that it reads no more
	Refused      bool // it had not acknowledged all that was written then
	WasReset     bool // the peer gave the stream up
	ResetCode    uint64

	Unheard      time.Time     // since when the peer owes an answer; zero: it does not
	Stalled      time.Time     // since when packets are in flight on this path and none is acknowledged; zero: it is not so
	MovedAt      time.Time     // when something written, or the end, was last acknowledged, or credit came
	ProbeTimeout time.Duration // before any doubling
}

// Status returns how the Stream stands.
func (s *Stream) Status() Status {
	out, in := &s.out, &s.in
	sent := out.delivered() || s.stopped || s.wasReset
	received := in.complete() || s.stop.acked() || s.wasReset
	return Status{
		Finished:     sent && received || s.reset.acked(),
		Settled:      in.complete() && (s.stopped || out.delivered()),
		Acknowledged: out.buffered() == 0 && (!out.fin.set() || out.fin.acked()),
		Waiting:      out.buffered() > 0,
		WriteClosed:  out.closed,
		Stopped:      s.stopped,
		Refused:      s.refused,
		WasReset:     s.wasReset,
		ResetCode:    s.peerCode,
		Unheard:      s.unheard,
		Stalled:      s.stalledSince(),
		MovedAt:      s.movedAt,
		ProbeTimeout: s.probeTimeout(),
	}
}

// stalledSince is since when nothing in flight was acknowledged; zero: nothing is in flight.
func (s *Stream) stalledSince() time.Time {
	if s.sent.count == 0 {
		return time.Time{}
	}
	return s.stalled
}

// Stats returns the counts so far and the smoothed round-trip time.
func (s *Stream) Stats() (Stats, time.Duration) {
	stats := s.stats
	stats.BytesReceived = s.in.next
	return stats, s.rtt.smoothed
}
