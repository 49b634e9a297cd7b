package stream

import "time"

const (
	segmentSize   = 1448 // bytes of data in a full segment
	segmentHeader = 52   // bytes of IP and TCP with timestamps
	// firstBuffer is what a socket holds for sending at first, maxSocket the most, as Linux has it, bytes.
	// Receivers of today's kernels allow more (32 MiB), so that their windows do not count.
	firstBuffer = 87 << 10
	maxSocket   = 4 << 20
)

// tcp is one direction of a kernel's TCP connection with both of its ends: the send buffer, congestion control,
// loss detection, and delivery in order. Nothing is reordered on the lines, every segment is acknowledged, and
// an ACK tells all that has arrived, as SACK does.
type tcp struct {
	net       *network
	out, back []*line
	control   controller
	nagle     bool
	lowat     func() int        // the socket takes data while less than this is unsent, bytes; nil: no such bound
	arrived   func(total int64) // so many bytes have arrived in order
	freed     func()            // the socket may take more

	written, cut, acked int64 // ends of what was put into the socket, made into segments, acknowledged in order
	buffer              int   // what the socket may hold, bytes
	full                bool  // it was found full, and is until it is a good deal emptier

	segments fifo[tcpSegment]
	first    int // number of the first of them
	partial  int // one above the number of the last segment that was not full
	flight   int // bytes
	lost     fifo[int]
	order    fifo[transmission]
	sent     int           // number of the last transmission
	limited  bool          // the window, and not a lack of data, ended the last sending
	paced    time.Duration // the next segment does not go before
	rate     rate
	recovery recovery

	want  int   // receiver: the segment that it waits for
	total int64 // receiver: bytes that arrived in order
}

// tcpSegment is a part of the stream that travels as a whole.
type tcpSegment struct {
	size      int
	sent      int  // its last transmission
	arrived   bool // the receiver has it
	delivered bool // the sender knows
	lost      bool // not delivered, and not on its way
	at        rateMark
}

// transmission is a segment that was sent, perhaps again.
type transmission struct{ sent, number int }

// connect makes one direction of a connection.
func (n *network) connect(c controller, out, back []*line) *tcp {
	t := &tcp{net: n, out: out, back: back, control: c, buffer: firstBuffer, arrived: func(int64) {}, freed: func() {}}
	n.actors = append(n.actors, t)
	return t
}

// room is how many bytes the socket takes now. Once full it takes nothing until a third of it, or half of
// what may be unsent, is free, which is when the kernel wakes a writer.
func (t *tcp) room() int {
	t.buffer = min(max(t.buffer, 5*t.control.window()/2), maxSocket)
	unsent, held := int(t.written-t.cut), int(t.written-t.acked)
	room, enough := t.buffer-held, held <= 2*t.buffer/3
	if t.lowat != nil {
		limit := t.lowat()
		room, enough = min(room, limit-unsent), enough && unsent < limit/2
	}
	if t.full && !enough {
		return 0
	}
	t.full = room <= 0
	return max(room, 0)
}

// write puts n bytes into the socket.
func (t *tcp) write(n int) {
	t.written += int64(n)
	t.send()
}

// send sends what the window, the pace, and Nagle's algorithm admit.
func (t *tcp) send() {
	t.limited = false
	for {
		number, again := t.nextLost()
		size := int(min(t.written-t.cut, segmentSize))
		if again {
			size = t.segment(number).size
		}
		switch {
		case size == 0:
			t.rate.starved(t)
			return
		case t.flight > 0 && t.flight+size > t.control.window():
			t.limited = true
			return
		case t.paced > t.net.now:
			t.limited = true
			return
		case !again && t.nagle && size < segmentSize && t.partial > t.first:
			return
		}
		if again {
			t.lost.pop()
		} else {
			number = t.cutSegment(size)
		}
		t.transmit(number, true)
	}
}

// nextLost is the number of the segment to send again, if there is one.
func (t *tcp) nextLost() (number int, ok bool) {
	for t.lost.len() > 0 {
		if number := *t.lost.at(0); number >= t.first && t.segment(number).lost {
			return number, true
		}
		t.lost.pop()
	}
	return 0, false
}

func (t *tcp) segment(number int) *tcpSegment { return t.segments.at(number - t.first) }
func (t *tcp) end() int                       { return t.first + t.segments.len() }

func (t *tcp) cutSegment(size int) (number int) {
	number = t.end()
	t.segments.push(tcpSegment{size: size})
	t.cut += int64(size)
	if size < segmentSize {
		t.partial = number + 1
	}
	return number
}

// transmit sends a segment. counts tells that it is not in flight yet.
func (t *tcp) transmit(number int, counts bool) {
	s := t.segment(number)
	t.sent++
	s.sent, s.lost, s.at = t.sent, false, t.rate.mark(t)
	t.order.push(transmission{t.sent, number})
	if counts {
		t.flight += s.size
	}
	if pace := t.control.pace(); pace > 0 {
		t.paced = max(t.paced, t.net.now) + time.Duration(float64(s.size)/pace*1e9)
	}
	t.recovery.arm(t, false)
	t.out[0].send(parcel{size: s.size + segmentHeader, tcp: t, number: number, sent: t.sent, stamp: t.net.now})
}

// forward takes a packet from the end of a line to the next one, or to the end of the path.
func (t *tcp) forward(p parcel) {
	path := t.out
	if p.ack {
		path = t.back
	}
	if p.hop++; p.hop < len(path) {
		path[p.hop].send(p)
		return
	}
	if p.ack {
		t.onAck(p)
		return
	}
	t.receive(p)
}

// receive is the receiver's end.
func (t *tcp) receive(p parcel) {
	if p.number >= t.first {
		t.segment(p.number).arrived = true
	}
	before := t.total
	for t.want < t.end() && t.segment(t.want).arrived {
		t.total += int64(t.segment(t.want).size)
		t.want++
	}
	t.back[0].send(parcel{size: segmentHeader, tcp: t, ack: true, number: t.want, sent: p.sent, stamp: p.stamp})
	if t.total > before {
		t.arrived(t.total)
	}
}

func (t *tcp) next() time.Duration {
	at := t.recovery.timer
	if at == 0 {
		at = never
	}
	if t.limited && t.paced > t.net.now && t.paced < at {
		at = t.paced
	}
	return at
}

func (t *tcp) act() {
	if at := t.recovery.timer; at > 0 && t.net.now >= at {
		t.recovery.expire(t)
	}
	t.send()
	t.freed()
}
