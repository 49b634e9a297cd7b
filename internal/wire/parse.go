package wire

import (
	"errors"
	"fmt"
	"time"
)

var (
	errUnknownType   = errors.New("unknown frame type")
	errNotZero       = errors.New("a byte other than zero follows its beginning")
	errNoData        = errors.New("the frame holds no data")
	errBeyondEnd     = errors.New("the data reaches beyond offset 2^62-1")
	errDelay         = errors.New("the delay is above 2^32-1 microseconds")
	errArrival       = errors.New("the arrival is above 2^52-1 microseconds")
	errTooManyRanges = errors.New("there are more than 32 ranges")
	errSecondAck     = errors.New("the packet has an ACK or RESUME already")
	errPath          = errors.New("the path is above 63")
	errSize          = errors.New("the size is not 512 to 1048576 bytes")
	errNotAlone      = errors.New("a packet with PATH_CHALLENGE or PATH_RESPONSE holds one of each at most, and else PADDING only")
	errBelowZero     = errors.New("the range reaches below packet number 0")
)

// Parse calls v for each frame of the packet in turn. It checks the whole packet first: on an error v has not been called at all, so that nobody acts on
// half a packet. The error names the frame and its place. An empty packet is valid.
//
// Each Ack handed to v is scratch, whose Ranges grow once to MaxRanges and are used again.
func Parse(packet []byte, scratch *Ack, v Visitor) error {
	d := decoder{packet: packet, ack: scratch}
	for d.position < len(packet) {
		if _, err := d.checked(); err != nil {
			return err
		}
	}
	d.position = 0
	for d.position < len(packet) {
		visit(d.frame(), scratch, v)
	}
	return nil
}

// frame is one decoded frame; which fields have a meaning depends on kind. The body of ACK and RESUME stands in the decoder's ack.
type frame struct {
	kind   byte
	value  uint64 // STREAM: offset, FIN: final offset, RESET: code
	data   []byte // STREAM
	resume Resume
	path   Path // PATH_CHALLENGE, PATH_RESPONSE
}

func visit(f frame, a *Ack, v Visitor) {
	switch f.kind {
	case TypePadding:
	case TypeStream:
		v.Stream(f.value, f.data)
	case TypeAck:
		v.Ack(a)
	case TypeFin:
		v.Fin(f.value)
	case TypeStop:
		v.Stop()
	case TypeReset:
		v.Reset(f.value)
	case TypePing:
		v.Ping()
	case TypeResume:
		v.Resume(f.resume, a)
	case TypePathChallenge:
		v.PathChallenge(f.path)
	case TypePathResponse:
		v.PathResponse(f.path)
	default:
		panic(fmt.Sprintf("BUG: wire: frame type %#x passed the check", f.kind))
	}
}

// decoder reads a packet field by field. The first failure sticks: err says why, field where, and further reads return zero.
type decoder struct {
	packet   []byte
	position int
	ack      *Ack
	seen     uint16 // the types of frames so far, PADDING aside, as bits
	field    string
	err      error
}

func (d *decoder) fail(field string, err error) {
	if d.err == nil {
		d.field, d.err = field, err
	}
}

// checked reads one frame and says what is wrong with it.
func (d *decoder) checked() (frame, error) {
	start := d.position
	f := d.frame()
	if d.err == nil {
		d.count(f.kind)
	}
	if d.err != nil {
		return f, fmt.Errorf("wire: malformed %s frame at byte %d of a packet of %d: %s: %w", typeName(f.kind), start, len(d.packet), d.field, d.err)
	}
	return f, nil
}

// The types of frames that bound what stands beside them, as bits.
const (
	ackTypes  = 1<<TypeAck | 1<<TypeResume
	pathTypes = 1<<TypePathChallenge | 1<<TypePathResponse
)

// count refuses what may not stand in a packet together: a second ACK or RESUME, each of which costs its receiver a look at all packets in
// flight, and anything beside what asks about a path, since such packets are not acknowledged.
func (d *decoder) count(kind byte) {
	if kind == TypePadding {
		return
	}
	bit, before := uint16(1)<<kind, d.seen
	d.seen |= bit
	if bit&ackTypes != 0 && before&ackTypes != 0 {
		d.fail("type", errSecondAck)
	}
	if d.seen&pathTypes != 0 && (d.seen&^pathTypes != 0 || before&bit != 0) {
		d.fail("type", errNotAlone)
	}
}

// frame reads one frame; there is at least one byte left.
func (d *decoder) frame() frame {
	f := frame{kind: d.packet[d.position]}
	d.position++
	switch f.kind {
	case TypePadding:
		d.padding()
	case TypeStream:
		f.value, f.data = d.stream()
	case TypeAck:
		d.ackBody()
	case TypeResume:
		f.resume = Resume{d.pathNumber(), d.integer("count")}
		d.ackBody()
	case TypePathChallenge, TypePathResponse:
		f.path = d.path()
	case TypeFin:
		f.value = d.integer("final offset")
	case TypeReset:
		f.value = d.integer("code")
	case TypeStop, TypePing:
	default:
		d.fail("type", errUnknownType)
	}
	return f
}

func (d *decoder) integer(field string) uint64 {
	if d.err != nil {
		return 0
	}
	v, size, err := readVarint(d.packet[d.position:])
	if err != nil {
		d.fail(field, err)
	}
	d.position += size
	return v
}

func (d *decoder) pathNumber() uint8 {
	path := d.integer("path")
	if path > MaxPath {
		d.fail("path", errPath)
		return 0
	}
	return uint8(path)
}

func (d *decoder) path() Path {
	path, size := d.pathNumber(), d.integer("size")
	if size < MinSize || size > MaxSize {
		d.fail("size", errSize)
		return Path{}
	}
	return Path{path, int(size), d.integer("round")}
}

func (d *decoder) padding() {
	for _, c := range d.packet[d.position:] {
		if c != 0 {
			d.fail("padding", errNotZero)
			return
		}
	}
	d.position = len(d.packet)
}

func (d *decoder) stream() (offset uint64, data []byte) {
	offset = d.integer("offset")
	length := d.integer("length")
	if d.err != nil {
		return 0, nil
	}
	switch rest := d.packet[d.position:]; {
	case length == 0:
		d.fail("length", errNoData)
	case length > uint64(len(rest)):
		d.fail("data", errTruncated)
	case length > MaxInteger-offset:
		d.fail("length", errBeyondEnd)
	default:
		data = rest[:length:length]
		d.position += len(data)
	}
	return offset, data
}

func (d *decoder) ackBody() {
	a := d.ack
	delay := d.integer("delay")
	if delay > uint64(MaxDelay/time.Microsecond) {
		d.fail("delay", errDelay)
	}
	a.Delay = time.Duration(delay) * time.Microsecond
	arrival := d.integer("arrival")
	if arrival > uint64(MaxArrival/time.Microsecond) {
		d.fail("arrival", errArrival)
	}
	a.Arrival = time.Duration(arrival) * time.Microsecond
	a.Credit = d.integer("credit")
	a.GrantMessages = d.integer("grant of messages")
	a.GrantBytes = d.integer("grant of bytes")
	d.ranges(d.integer("range count"))
}

func (d *decoder) ranges(count uint64) {
	if count > MaxRanges {
		d.fail("range count", errTooManyRanges)
		return
	}
	if cap(d.ack.Ranges) < MaxRanges && count > 0 {
		d.ack.Ranges = make([]Range, 0, MaxRanges)
	}
	d.ack.Ranges = d.ack.Ranges[:0]
	for len(d.ack.Ranges) < int(count) && d.err == nil {
		d.ack.Ranges = append(d.ack.Ranges, d.oneRange(d.ack.Ranges))
	}
}

// oneRange reads the range below those read so far. The first one tells its largest number, the others how far below their predecessor they begin.
func (d *decoder) oneRange(above []Range) Range {
	var largest uint64
	if len(above) == 0 {
		largest = d.integer("largest number")
	} else {
		smallest, gap := above[len(above)-1].Smallest, d.integer("gap")
		if smallest < 2 || gap > smallest-2 {
			d.fail("gap", errBelowZero)
			return Range{}
		}
		largest = smallest - 2 - gap
	}
	length := d.integer("range length")
	if length > largest {
		d.fail("range length", errBelowZero)
		return Range{}
	}
	return Range{Smallest: largest - length, Largest: largest}
}

func typeName(kind byte) string {
	names := [...]string{"PADDING", "STREAM", "ACK", "FIN", "STOP", "RESET", "PING", "RESUME", "PATH_CHALLENGE", "PATH_RESPONSE"}
	if int(kind) < len(names) {
		return names[kind]
	}
	return fmt.Sprintf("%#02x", kind)
}
