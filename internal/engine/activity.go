package engine

import (
	"sync"
	"time"
)

const (
	// inboxMessages and inboxBytes are what all peers together may have in
	// flight towards our inbox. Brokers queue at least 200 messages for a
	// subscriber (RabbitMQ; most 1,000), some only 5 MiB (HiveMQ), and drop
	// silently beyond.
	inboxMessages = 128
	inboxBytes    = 4 << 20
	// minMessages is granted to every Conn, so that none starves.
	minMessages = 2
	// activePeriod is how long a Conn counts as active.
	activePeriod = time.Second
	// activeBytes are what makes it active: what a stream may hold in any case.
	// One that carries keystrokes takes no share from those that carry files.
	activeBytes = 64 << 10
)

// activity counts the Conns that received much within the last second, among
// which the grant is shared. It counts by periods: the larger of the last
// period's count and this one's so far.
type activity struct {
	mu             sync.Mutex
	start          time.Time
	period         int64
	current, count int
}

// use is what one Conn received in a period.
type use struct {
	period int64
	bytes  int
}

// mark takes note of n bytes for a Conn, and counts it once these are many.
func (a *activity) mark(now time.Time, u *use, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance(now)
	if u.period != a.period {
		u.period, u.bytes = a.period, 0
	}
	before := u.bytes
	if u.bytes += n; before < activeBytes && u.bytes >= activeBytes {
		a.current++
	}
}

func (a *activity) advance(now time.Time) {
	if a.start.IsZero() {
		a.start, a.period = now, 1
	}
	period := int64(now.Sub(a.start)/activePeriod) + 1
	switch {
	case period == a.period+1:
		a.count, a.current, a.period = a.current, 0, period
	case period > a.period:
		a.count, a.current, a.period = 0, 0, period
	}
}

// grant returns one Conn's share of the inbox.
func (a *activity) grant(now time.Time, messageSize int) (messages, bytes uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance(now)
	n := max(a.current, a.count, 1)
	return uint64(max(inboxMessages/n, minMessages)), uint64(max(inboxBytes/n, minMessages*messageSize))
}
