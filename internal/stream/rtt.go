package stream

import "time"

const (
	// maxAckDelay is the longest a receiver holds an ACK back (RFC 9000, 18.2): short,
	// since the sender adds it to every probe timeout (RFC 9002, 6.2.1).
	maxAckDelay = 25 * time.Millisecond
	// initialRTT is assumed before the first sample (RFC 9002, 6.2.2, has
	// 333 ms; a broker is nearer than the far side of the internet).
	initialRTT = 250 * time.Millisecond
	// minProbeTimeout keeps pauses of a busy machine (scheduling, garbage
	// collection) from looking like loss.
	minProbeTimeout = 100 * time.Millisecond
	// maxProbeTimeout bounds the doubling, so that a peer that comes back
	// unannounced is found within seconds.
	maxProbeTimeout = 5 * time.Second
	// timerGranularity is RFC 9002's kGranularity.
	timerGranularity = time.Millisecond
	// maxRTT bounds a sample: a clock that jumped, as that of a machine that
	// slept may, must not stop the timers for hours.
	maxRTT = time.Minute
)

// rtt estimates the round-trip time as RFC 9002, section 5, does.
type rtt struct {
	latest, smoothed, variance time.Duration
}

// sample takes a measurement, less what the peer held back.
func (r *rtt) sample(measured time.Duration) {
	r.latest = measured
	if r.smoothed == 0 {
		r.smoothed, r.variance = measured, measured/2
		return
	}
	r.variance += ((r.smoothed - measured).Abs() - r.variance) / 4
	r.smoothed += (measured - r.smoothed) / 8
}

// estimate is the smoothed round trip, or the assumption before any sample.
func (r *rtt) estimate() time.Duration {
	if r.smoothed == 0 {
		return initialRTT
	}
	return r.smoothed
}

// probeTimeout is RFC 9002's PTO before any doubling.
func (r *rtt) probeTimeout() time.Duration {
	variance := r.variance
	if r.smoothed == 0 {
		variance = initialRTT / 2
	}
	return max(r.estimate()+max(4*variance, timerGranularity)+maxAckDelay, minProbeTimeout)
}

// lossDelay is how long an unacknowledged packet may trail an acknowledged one
// (RFC 9002, 6.1.2: 9/8 of the round trip).
func (r *rtt) lossDelay() time.Duration {
	return max(max(r.estimate(), r.latest)*9/8, timerGranularity)
}
