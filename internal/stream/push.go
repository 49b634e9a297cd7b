package stream

import "time"

const (
	// PushSize is the plaintext of a packet that only pushes, bytes: no TCP
	// segment between a broker and its client holds more than 1,460.
	PushSize = 1460
	// pushCost is how much has to be carried for each of them, bytes: so they cost a
	// twentieth of what is carried.
	pushCost = 32 << 10
	// pushCredit is what may be left over, bytes, and what there is at the beginning:
	// eight are as much as TCP sends at first (RFC 6928).
	pushCredit = 8 * pushCost
	// pushEarned is the most that one message is worth: so they are a quarter of the
	// messages at most, where a service counts these.
	pushEarned = pushCost / 4
	// pushPause is the least time between two behind ACKs.
	pushPause = 15 * time.Millisecond
	// pushRTT is the smallest round trip that is worth it.
	pushRTT = 20 * time.Millisecond
)

// pushes are paid together by the streams to one process: what they send waits for each
// other at the broker.
type pushes struct {
	credit   int       // bytes carried, both ways, for which nothing was pushed yet
	last     time.Time // when something was last pushed
	previous time.Time // when something was last sent
}

func (s *pushes) earn(n int) { s.credit = min(s.credit+n, pushCredit) }

// claim takes what a push costs. If it is not possible yet, at is when to ask again; zero:
// never. Little data of an application, for which somebody waits, may run into debt.
func (s *pushes) claim(now time.Time, data bool) (at time.Time, ok bool) {
	next := s.last.Add(pushPause)
	switch {
	case data && s.credit <= 0, !data && s.credit < pushCost:
		return time.Time{}, false
	case !data && now.Before(next):
		return next, false
	}
	s.credit -= pushCost
	s.last = now
	return time.Time{}, true
}

// A pusher makes a broker forward at once what is small. Mosquitto leaves Nagle's
// algorithm on: while a small segment is on its way to a client, the next ones
// wait, for a round trip between the two or until they fill a segment. Beside
// bulk data that happens to every ACK for them and to whatever else goes in that
// direction. A packet of nothing but padding, sent behind an ACK now and then, and
// behind little data, fills the segment.
type pusher struct {
	shared *Ensemble
	at     time.Time // when the next one is due; zero: it is not, or it is due already
	now    bool      // it is due
}

// filled takes note that a packet goes that fills a segment by itself.
func (p *pusher) filled() {
	if p.now {
		p.shared.refund()
	}
	p.at, p.now = time.Time{}, false
}

// sent takes note that something goes with nothing behind it: an ACK, or little data. It waits
// for what went before it if that was not more than a round trip ago.
func (p *pusher) sent(now time.Time, since, rtt time.Duration, data bool) {
	if !p.now && rtt >= pushRTT && since <= rtt {
		p.at, p.now = p.shared.claim(now, data)
	}
}

// expire makes due what has waited long enough.
func (p *pusher) expire(now time.Time) {
	if Passed(p.at, now) {
		p.at, p.now = p.shared.claim(now, false)
	}
}

// append adds the padding.
func (p *pusher) append(b []byte) []byte {
	p.at, p.now = time.Time{}, false
	n := min(PushSize, cap(b))
	clear(b[:n])
	return b[:n]
}

// pushBehind has a packet pushed, if nothing is to follow it: an ACK alone, all that there was to
// say, or in the start-up what fills the window.
func (s *Stream) pushBehind(now time.Time, since time.Duration, p *sentPacket, eliciting bool) {
	short := p.length > 0 && p.length <= shortData && s.sent.count == 1 && s.out.fresh() == 0
	ack := !eliciting && p.length == 0
	if short || ack || p.length > 0 && s.congestion.startup && !s.canSendData(now) {
		s.push.sent(now, since, s.rtt.smoothed, short)
	}
}
