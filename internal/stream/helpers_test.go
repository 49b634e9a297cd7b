package stream

import "time"

// A plainSealer leaves packets as they are, with numbers of the test's choice.
type plainSealer struct {
	number       uint64
	acknowledged uint64
	any          bool // something was acknowledged
	apart        bool // the last plaintext lay apart from the room
}

func (p *plainSealer) Next(time.Time) uint64      { return p.number }
func (p *plainSealer) Acknowledged(number uint64) { p.acknowledged, p.any = number, true }
func (p *plainSealer) Seal(room, plaintext []byte) int {
	p.apart = &room[0] != &plaintext[0]
	return copy(room, plaintext)
}

// next returns a stream's next packet with a number, made in room; empty: there is
// none.
func next(s *Stream, now time.Time, number uint64, room []byte) []byte {
	sealer := s.config.Sealer.(*plainSealer)
	sealer.number, sealer.apart = number, false
	size, plaintext := s.Next(now, room)
	return room[:max(size, len(plaintext))]
}

// readable is how many bytes Read has, and whether the end of the stream follows.
func readable(s *Stream) (n int, end bool) {
	return s.in.readable(), s.in.complete() && !s.in.discard
}

// read is Read where the end does not matter.
func read(s *Stream, p []byte) int {
	n, _ := s.Read(p)
	return n
}

// resuming reports whether a RESUME has not been answered yet.
func resuming(s *Stream) bool { return s.resume.set() && !s.resume.acked() }

// withSealer returns the configuration of one stream more.
func withSealer(config Config) Config {
	config.Sealer = new(plainSealer)
	return config
}
