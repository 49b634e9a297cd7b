package link

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	// MaxTopic is the length of the longest topic that the link publishes or receives on, in bytes. Topics of this project
	// are much shorter (AWS allows 256); the bound keeps a whole packet inside the read buffer.
	MaxTopic = 1024

	// batchLimit is the size, in bytes, from which a batch takes no further packet at most: one write of 64 KiB costs little more than the
	// copying. What is collected, sealed and written stays in the processor's cache; with 256 KiB a transfer took 7 % more
	// processor time. And what is more urgent waits less.
	batchLimit = 64 << 10
)

// Batch collects whole PUBLISH packets (QoS 0, not retained) for one write to the socket, contiguous in one buffer, because
// TLS and WebSocket would send each slice of a vector in a record of its own. The writer goroutine owns it.
type Batch struct {
	buf        []byte // whole packets
	maxPayload int
	limit      int // size from which it takes no further packet, at most batchLimit; the writer sets it
	largest    int // size of the largest packet, bytes, as if its header were the largest

	// The packet between Publish and Commit stands behind buf: its header, with room for the length of the largest payload,
	// then topic and payload.
	open  bool
	topic string
}

// NewBatch returns an empty batch for payloads of up to maxPayload bytes.
func NewBatch(maxPayload int) *Batch {
	largestPacket := maxHeader + 2 + MaxTopic + maxPayload
	return &Batch{buf: make([]byte, 0, batchLimit+largestPacket), maxPayload: maxPayload, limit: batchLimit}
}

// Publish begins a packet on topic and returns the room for its payload: the largest payload's size, right behind the
// packet's header. Commit must follow. The batch must not be full and topic have no more than MaxTopic bytes.
func (b *Batch) Publish(topic string) (room []byte) {
	switch {
	case b.open:
		panic("BUG: link: Publish before Commit")
	case b.Full():
		panic("BUG: link: Publish on a full batch")
	case len(topic) == 0 || len(topic) > MaxTopic:
		panic(fmt.Sprintf("BUG: link: publishing on a topic of %d bytes", len(topic)))
	}
	start := len(b.buf) + 1 + lengthSize(2+len(topic)+b.maxPayload)
	packet := b.buf[start : start+2+len(topic)+b.maxPayload]
	binary.BigEndian.PutUint16(packet, uint16(len(topic)))
	copy(packet[2:], topic)
	b.open, b.topic = true, topic
	return packet[2+len(topic):]
}

// Commit ends the packet that Publish began: its payload is room[:n]. With n == 0 the packet is abandoned.
func (b *Batch) Commit(n int) {
	if !b.open {
		panic("BUG: link: Commit without Publish")
	}
	if n < 0 || n > b.maxPayload {
		panic(fmt.Sprintf("BUG: link: committing %d bytes of %d", n, b.maxPayload))
	}
	b.open = false
	if n == 0 {
		return
	}
	length := 2 + len(b.topic) + n
	b.largest = max(b.largest, maxHeader+length)
	reserved := len(b.buf) + 1 + lengthSize(2+len(b.topic)+b.maxPayload)
	b.buf = appendHeader(b.buf, header{kind: packets.Publish, length: length})
	start := len(b.buf)
	b.buf = b.buf[:start+length]
	if start != reserved {
		// A short packet has a shorter length field. Less than 16 KiB move, or less than 2 MiB where packets may be larger.
		copy(b.buf[start:], b.buf[reserved:reserved+length])
	}
}

// Full tells that the batch takes no further packet.
func (b *Batch) Full() bool { return len(b.buf) >= b.limit }

// Bytes returns the packets so far. They are valid until Reset.
func (b *Batch) Bytes() []byte { return b.buf }

// Reset empties the batch.
func (b *Batch) Reset() {
	if b.open {
		panic("BUG: link: a packet was begun and not committed")
	}
	b.buf, b.largest = b.buf[:0], 0
}

// appendControl appends packets that are not PUBLISH. Where they do not fit behind a full batch, the buffer grows once.
func (b *Batch) appendControl(packets ...byte) { b.buf = append(b.buf, packets...) }

// prependControl puts such packets before all others.
func (b *Batch) prependControl(packets ...byte) { b.buf = slices.Insert(b.buf, 0, packets...) }
