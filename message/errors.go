package message

import (
	"errors"
	"fmt"
	"time"
)

// Why a packet is refused. [Codec.Open] wraps exactly one of these; each is counted by its own field of [Stats].
var (
	// ErrForged: the packet does not open. It was sealed under another key or with other AuthData, or it was changed on the way.
	ErrForged = errors.New("message: packet does not open: other key or AuthData, or changed on the way")

	// ErrMalformed: the packet is too short or too long for version 1, or it opens and its size field or padding is wrong.
	ErrMalformed = errors.New("message: malformed packet")

	// ErrVersion: the packet opens and is of another protocol version.
	ErrVersion = errors.New("message: unknown protocol version")

	// ErrTime: the packet opens and its time is outside the window. The error is a *[TimeError], which says how far off it is.
	ErrTime = errors.New("message: packet's time is outside the window")

	// ErrReplay: the packet opens and was seen before, or this Codec sealed it itself, or so many packets were accepted since that
	// it can no longer be told from one seen before.
	ErrReplay = errors.New("message: packet was seen before: repeated on the way, or our own that came back")
)

// TimeError says how far a packet's time is from this clock. The packet is genuine: only a holder of the key can have sealed it, at a
// moment when its clock showed that time.
type TimeError struct {
	Offset time.Duration // the packet's time minus this clock's; negative: the packet is older. Saturates at about 292 years
	Window time.Duration // how far off it may be
}

func (e *TimeError) Error() string {
	direction, distance := "ahead of", e.Offset
	if distance < 0 {
		direction, distance = "behind", -max(distance, -maxDuration)
	}
	return fmt.Sprintf("message: packet's time is %v %s this clock, the window is %v: correct the clock that is off (see NTP), or an old packet was repeated",
		distance.Round(time.Millisecond), direction, e.Window)
}

// maxDuration is about 292 years.
const maxDuration = time.Duration(1<<63 - 1)

// Is makes errors.Is(err, ErrTime) true.
func (e *TimeError) Is(target error) bool { return target == ErrTime }

// errCopy: the packet came by another link before. Whoever sends over several brokers sends each packet to all of them.
var errCopy = errors.New("message: copy by another broker")

var (
	errTooShort = fmt.Errorf("%w: fewer than %d bytes", ErrMalformed, Overhead)
	errTooLong  = fmt.Errorf("%w: more than %d bytes", ErrMalformed, MaxPacketSize)
	errSize     = fmt.Errorf("%w: its size field claims more than it holds", ErrMalformed)
	errPadding  = fmt.Errorf("%w: padding that is not zero behind the size it claims", ErrMalformed)
)
