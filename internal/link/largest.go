package link

// smallPacket is the size of a PUBLISH packet, in bytes, that every broker takes, and hands over at once: 4 KiB, the least
// limit of a known service and libwebsockets' pt_serv_buf_size where nobody sets it, less the header of a WebSocket frame from
// a server (RFC 6455, section 5.2).
const smallPacket = 4<<10 - 4

// largest finds out whether the broker hangs up on large PUBLISH packets, which an MQTT 3.1.1 broker can only do without a
// word. A broker handles the packets of a connection in order. So PINGREQ follows each packet that is larger than all before
// it, and PINGRESP tells that the broker has taken that. The writer owns it, and the run loop between two connections.
type largest struct {
	refused int // size of the packet after which the last connection ended; 0: it ended for another reason

	// Of the current connection, sizes in bytes.
	sent   int    // largest packet
	asked  int    // largest packet before the last PINGREQ that was written for this reason
	answer uint64 // which PINGRESP answers that
	taken  int    // largest packet that the broker is known to have taken
	pings  uint64 // PINGREQ packets
}

// begin forgets the last connection but for how it ended.
func (l *largest) begin() { *l = largest{refused: l.refused} }

// wrote takes note of the largest packet of a batch and of how many PINGRESP have come on this connection. It tells whether
// PINGREQ has to follow.
func (l *largest) wrote(size int, answers uint64) (ask bool) {
	l.sent = max(l.sent, size)
	l.answered(answers)
	if l.asked > l.taken || l.sent <= max(l.taken, smallPacket) {
		return false
	}
	l.asked, l.answer = l.sent, l.pings+1
	return true
}

func (l *largest) answered(answers uint64) {
	if answers >= l.answer {
		l.taken = l.asked
	}
}

// ended takes note of the end of a connection, and of whether the broker hung up. It tells whether that was the second time
// in a row that it did so instead of taking a large packet: once may be chance.
func (l *largest) ended(answers uint64, hungUp bool) (twice bool) {
	l.answered(answers)
	if l.taken >= l.refused {
		l.refused = 0
	}
	if !hungUp || l.sent <= max(l.taken, smallPacket) {
		return false
	}
	twice = l.refused > 0
	l.refused = l.sent
	return twice
}
