package stream

import "time"

const (
	// minStanding and maxStanding bound the standing queue that a stream builds:
	// a quarter of the smallest round trip. 5 ms are what a busy machine needs to
	// keep its own loopback busy, 10 ms are not felt in a keystroke.
	minStanding = 5 * time.Millisecond
	maxStanding = 10 * time.Millisecond
	// queuedPackets may wait beside it: a broker takes a packet whole before it
	// forwards it, on each of two links, and one more is being sent.
	queuedPackets = 3
	// burstTime is how close to each other ACKs come that waited for each other.
	burstTime = 2 * time.Millisecond
	// burstWeight is how many rounds make up what is smoothed of bursts, so that
	// one stall does not count for long.
	burstWeight = 4
	// burstMargin times a burst is kept in flight for it, since bursts vary.
	burstMargin = 1.25
)

// A model is what a stream knows of its path.
type model struct {
	packet  int           // bytes of a full packet
	rate    peak          // bytes a second
	bursts  float64       // the most bytes that were acknowledged at once in a round, smoothed
	base    least         // round trip
	transit least         // from our clock to the peer's: only differences mean something
	queue   time.Duration // how long the last packet waited
	burst   int           // bytes acknowledged within burstTime
	burstAt time.Time
}

// sample takes note of a packet's round trip and transit.
func (m *model) sample(now time.Time, rtt, transit time.Duration) {
	m.base.sample(now, rtt)
	m.transit.sample(now, transit)
	m.queue = transit - m.transit.value()
}

// noteBurst finds out how many bytes come back at once: ACKs wait for each other
// on their way, and what they let go should be on its way already.
func (m *model) noteBurst(now time.Time, bytes int) int {
	if now.Sub(m.burstAt) > burstTime {
		m.burst, m.burstAt = 0, now
	}
	m.burst += bytes
	return m.burst
}

// allowance is how long packets may wait.
func (m *model) allowance() time.Duration {
	return min(max(m.base.value()/4, minStanding), maxStanding) + m.time(queuedPackets*m.packet)
}

// waits reports whether the last packet waited longer than allowed.
func (m *model) waits() bool { return m.queue > m.allowance() }

// time is how long the path takes for so many bytes.
func (m *model) time(bytes int) time.Duration {
	if m.rate.best() == 0 {
		return 0
	}
	return time.Duration(min(float64(bytes)/m.rate.best(), maxRTT.Seconds()) * float64(time.Second))
}

// holds is how many bytes the path delivers in d, maxBuffer at most: the peer's
// clock may tell any rate.
func (m *model) holds(d time.Duration) int {
	return int(min(m.rate.best()*d.Seconds(), maxBuffer))
}

// busy is how many bytes keep the path busy without a queue: what it holds, and
// what comes back at once, which may be as much. On a short path it may be what
// comes back between two pushes.
func (m *model) busy() int {
	base := m.base.value()
	return m.holds(base) + min(int(burstMargin*m.bursts), m.holds(max(base, 2*pushPause)))
}

// forget forgets the path: it is another one.
func (m *model) forget() { *m = model{packet: m.packet} }
