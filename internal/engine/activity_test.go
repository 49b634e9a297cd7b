package engine

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

const testMessage = 1 << 10

// shares asks that n Conns share the inbox.
func (a *activity) shares(t *testing.T, why string, now time.Time, n uint64) {
	t.Helper()
	if messages, bytes := a.grant(now, testMessage); messages != inboxMessages/n || bytes != inboxBytes/n {
		t.Errorf("%s: the grant is %d messages and %d bytes, want a share of %d", why, messages, bytes, n)
	}
}

func TestGrantIsSharedByThoseWhoReceiveMuch(t *testing.T) {
	var a activity
	now := time.Now()
	uses := make([]use, 4)
	a.shares(t, "nobody", now, 1)
	for i := range uses {
		for range 3 {
			a.mark(now, &uses[i], activeBytes/3)
		}
		a.shares(t, "a little too few", now, uint64(max(i, 1)))
		a.mark(now, &uses[i], activeBytes%3)
		a.shares(t, "enough", now, uint64(i+1))
		a.mark(now, &uses[i], 2*activeBytes)
		a.shares(t, "counted once", now, uint64(i+1))
	}
}

func TestKeystrokesTakeNoShare(t *testing.T) {
	var a activity
	var file, keys use
	start := time.Now()
	for passed := time.Duration(0); passed < 10*activePeriod; passed += activePeriod / 100 {
		a.mark(start.Add(passed), &file, activeBytes/10)
		a.mark(start.Add(passed), &keys, activeBytes/101) // a little less a period than counts
		a.shares(t, "one carries a file", start.Add(passed), 1)
	}
}

func TestActivityEnds(t *testing.T) {
	var a activity
	var first, second use
	now := time.Now()
	a.mark(now, &first, activeBytes)
	a.mark(now, &second, activeBytes)
	now = now.Add(activePeriod)
	a.mark(now, &first, activeBytes)
	a.shares(t, "both were active in the last period", now, 2)
	now = now.Add(activePeriod)
	a.shares(t, "one was", now, 1)
	a.mark(now, &first, activeBytes)
	a.mark(now, &second, activeBytes-1)
	now = now.Add(activePeriod)
	a.mark(now, &second, 1)
	a.shares(t, "bytes of another period do not count", now, 1)
	a.mark(now, &first, activeBytes)
	a.mark(now, &second, activeBytes)
	now = now.Add(2 * activePeriod)
	a.shares(t, "nobody was in the last period", now, 1)
}

func TestEveryConnHasAGrant(t *testing.T) {
	var a activity
	now := time.Now()
	for range 10 * inboxMessages {
		a.mark(now, new(use), activeBytes)
	}
	if messages, bytes := a.grant(now, 1<<20); messages != minMessages || bytes != minMessages<<20 {
		t.Errorf("the grant is %d messages and %d bytes", messages, bytes)
	}
}

// TestHandshakeTellsTheRoundTrip has both ends know it before any data.
func TestHandshakeTellsTheRoundTrip(t *testing.T) {
	const delay = 70 * time.Millisecond
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		slow := func(c *Config) { c.Link.DialContext = delayed(w, delay/2) }
		dialed, accepted := w.pair(slow)
		for name, c := range map[string]*Conn{"dialer": dialed, "listener": accepted} {
			rtt := c.Stats().RTT
			if rtt < delay*9/10 || rtt > delay*11/10 {
				t.Errorf("%s: the round trip is %v, want %v", name, rtt, delay)
			}
		}
	})
}
