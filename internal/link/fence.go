package link

import "time"

// fencePeriod is for how long after data a SUBSCRIBE or UNSUBSCRIBE waits for a fence: what is older the broker has taken.
const fencePeriod = time.Second

// fence holds data back before SUBSCRIBE and UNSUBSCRIBE until the broker has taken all that was published before, as PINGRESP
// tells. A node of a NATS cluster that reads them together with a message for another node stands still: it waits 5 s for an
// answer to what it has not sent yet, and then hangs up. The writer owns it.
type fence struct {
	lastData time.Time
	answer   uint64 // which PINGRESP is waited for; 0: none
}

// stands tells, given whether such a packet waits and how many PINGREQ and PINGRESP there were on this connection, whether it and
// data are held back, and whether a PINGREQ has to go for that.
func (f *fence) stands(now time.Time, waits bool, pings, pongs uint64) (ask, hold bool) {
	switch {
	case !waits || f.answer == 0 && now.Sub(f.lastData) >= fencePeriod:
		f.answer = 0
		return false, false
	case f.answer == 0:
		f.answer = pings + 1
		return true, true
	case pongs < f.answer:
		return false, true
	}
	f.answer = 0
	f.lastData = time.Time{} // what was published is taken
	return false, false
}
