package record

import "time"

// EpochBits is the base-2 logarithm of how many packet numbers make a key epoch: the epoch of a number is number>>EpochBits. With packets of at most
// 1 MiB one key then encrypts at most 2^36 blocks, which leaves an attacker an advantage of 2^-55 at most against AES-GCM,
// and 2^-63 with packets of 64 KiB (the bound of RFC 9001, appendix B.1, which aims at 2^-57). Tests inject smaller values.
const EpochBits = 20

const (
	// updateAfter is how old the sender lets a key in use become before it goes on to the next epoch, so that slow connections have forward secrecy too.
	updateAfter = time.Hour
	// keepPrevious is how long the receiver can still open packets of the last epoch, for those that were overtaken. RFC 9001, section 6.5, asks for
	// three probe timeouts; this is that for a probe timeout of 20 s.
	keepPrevious = 60 * time.Second
)

// keyUpdate (RFC 9001, section 6) decides when the sender jumps to the next epoch although this one has numbers left: an hour after it began, if traffic flowed. Traffic counts
// only once the peer has acknowledged a packet of this epoch. Otherwise a peer that is unreachable for hours would miss a whole
// epoch, and it accepts the next one only (RFC 9001, section 6.1, asks for the same).
type keyUpdate struct {
	began        time.Time // the first Next of the epoch, zero before it
	acknowledged bool
}

func (u *keyUpdate) due(now time.Time) bool {
	return u.acknowledged && !u.began.IsZero() && now.Sub(u.began) >= updateAfter
}
