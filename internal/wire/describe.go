package wire

import (
	"fmt"
	"strconv"
)

// Describe returns the frames of a packet on one line, for people who read a trace, without the data of the stream:
//
//	ACK 7-10 4-5 delay=250us arrival=5000000us credit=65536 grant=128/4194304 STREAM 16384+5 FIN 16389 PADDING 12
//
// A STREAM frame shows offset and length, an ACK the packet numbers received and the grant in messages and bytes. What follows the last frame that is
// well-formed is the reason why the packet is refused.
func Describe(packet []byte) string {
	d := decoder{packet: packet, ack: new(Ack)}
	var b []byte
	for d.position < len(packet) {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		start := d.position
		f, err := d.checked()
		if err != nil {
			return string(append(b, err.Error()...))
		}
		b = append(b, typeName(f.kind)...)
		b = d.appendFields(b, f, start)
	}
	return string(b)
}

// appendFields appends what stands behind a frame's name.
func (d *decoder) appendFields(b []byte, f frame, start int) []byte {
	switch f.kind {
	case TypePadding:
		return fmt.Appendf(b, " %d", d.position-start)
	case TypeStream:
		return fmt.Appendf(b, " %d+%d", f.value, len(f.data))
	case TypeAck:
		return appendAckFields(b, d.ack)
	case TypeResume:
		return appendAckFields(fmt.Appendf(appendPathNumber(b, f.resume.Path), " count=%d", f.resume.Count), d.ack)
	case TypePathChallenge, TypePathResponse:
		return fmt.Appendf(appendPathNumber(b, f.path.Path), " size=%d round=%d", f.path.Size, f.path.Round)
	case TypeFin, TypeReset:
		return fmt.Appendf(b, " %d", f.value)
	}
	return b
}

// appendPathNumber shows the sender's link and the receiver's.
func appendPathNumber(b []byte, path uint8) []byte { return fmt.Appendf(b, " %d-%d", path>>3, path&7) }

func appendAckFields(b []byte, a *Ack) []byte {
	if len(a.Ranges) == 0 {
		b = append(b, " none"...)
	}
	for _, r := range a.Ranges {
		b = strconv.AppendUint(append(b, ' '), r.Smallest, 10)
		if r.Largest > r.Smallest {
			b = strconv.AppendUint(append(b, '-'), r.Largest, 10)
		}
	}
	return fmt.Appendf(b, " delay=%dus arrival=%dus credit=%d grant=%d/%d",
		a.Delay.Microseconds(), a.Arrival.Microseconds(), a.Credit, a.GrantMessages, a.GrantBytes)
}
