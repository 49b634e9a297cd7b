package stream

import "time"

const (
	// PushSize is the plaintext of a packet that only pushes, bytes: no TCP
	// segment between a broker and its client holds more than 1,460.
	PushSize = 1460
	// leastPush and mostPush bound how much has to be carried between two of
	// them, bytes: an eighth of what was carried so far, so that a stream begins
	// fast; in the end they cost a twentieth of what it carries.
	leastPush = 4 << 10
	mostPush  = 32 << 10
	// pushPause is the least time between two of them.
	pushPause = 15 * time.Millisecond
	// pushRTT is the smallest round trip that is worth it.
	pushRTT = 20 * time.Millisecond
)

// A pusher makes a broker forward at once what is small. Mosquitto leaves Nagle's
// algorithm on: while a small segment is on its way to a client, the next ones
// wait, for a round trip between the two or until they fill a segment. Beside
// bulk data that happens to every ACK for them and to whatever else goes in that
// direction. A packet of nothing but padding, sent behind an ACK now and then,
// fills the segment.
type pusher struct {
	total    int       // bytes that the stream carried, both ways, as far as they matter
	carried  int       // bytes of these since the last push
	last     time.Time // when that was
	previous time.Time // when the stream last sent anything
	at       time.Time // when the next one is due; zero: it is not, or it is due already
	due      bool
}

func (p *pusher) carry(n int) {
	p.total = min(p.total+n, 8*mostPush)
	p.carried = min(p.carried+n, mostPush)
}

// filled takes note that a packet goes that fills a segment by itself.
func (p *pusher) filled() { p.at, p.due = time.Time{}, false }

// sent takes note that something goes with nothing behind it. If the packet
// before it went more than a round trip ago, it does not wait for that one.
func (p *pusher) sent(now time.Time, rtt time.Duration) {
	if p.carried < min(max(p.total/8, leastPush), mostPush) || rtt < pushRTT || now.Sub(p.previous) > rtt {
		return
	}
	p.at = p.last.Add(pushPause)
	p.expire(now)
}

// expire makes due what has waited long enough.
func (p *pusher) expire(now time.Time) {
	if Passed(p.at, now) {
		p.at, p.due = time.Time{}, true
	}
}

// append adds the padding.
func (p *pusher) append(b []byte, now time.Time) []byte {
	p.carried, p.last, p.at, p.due = 0, now, time.Time{}, false
	n := min(PushSize, cap(b))
	clear(b[:n])
	return b[:n]
}
