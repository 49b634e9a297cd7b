package handshake

import "time"

// InTime reports whether a hello's time is at most window away from the listener's clock, in either direction.
func InTime(hello, now time.Time, window time.Duration) bool {
	return now.Sub(hello).Abs() <= window
}

// Offset returns what the dialer must add to its clock to get the listener's, taking the listener's time for the
// middle of the round trip. Sent and received are the dialer's clock when the hello left and when m arrived. The
// error is at most half of what lies between them.
func (m Time) Offset(sent, received time.Time) time.Duration {
	middle := sent.Add(received.Sub(sent) / 2)
	return m.Listener.Sub(middle)
}
