package engine

import (
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
)

// This file is the path of every byte, copied once at each end. What holds on it:
//
//   - Out: Write copies into memory of the stream, which keeps it until it is
//     acknowledged. A packet whose data lie together in it is sealed from there
//     into the batch, with Conn.mu held, since an acknowledgement frees what was
//     written; any other is made in the batch and sealed in place without it.
//     The batch belongs to the link's writer, the only goroutine that writes to
//     the socket, and is used again when the write has returned.
//   - In: the read buffer belongs to the link's reader, and a packet lies there
//     only until receive returns. A packet that fills a Block, of up to 64 KiB,
//     is opened into one, without a lock: nobody else knows of it before the
//     stream takes it over, and the stream frees it when the application has read
//     all of it. Any other is opened in place, and the stream copies its data. A
//     packet that does not authenticate leaves nothing behind.
//   - No memory is allocated for a packet: Blocks are recycled, those of full
//     packets within the Engine, smaller ones within the process.

// headerSize is where a packet's plaintext begins (SPEC.md, "Packets").
const headerSize = record.Overhead - 16

// overhead is what sealing adds to a plaintext.
const overhead = record.Overhead

// fill adds c's next packet to the batch and returns its size; 0: it had none.
func (c *Conn) fill(batch *link.Batch, now time.Time) int {
	room := batch.Publish(c.topic)
	size := c.buildPacket(room, now)
	batch.Commit(size)
	return size
}

// buildPacket seals the stream's next packet into room.
func (c *Conn) buildPacket(room []byte, now time.Time) int {
	c.mu.Lock()
	if c.state == stateRemoved {
		c.mu.Unlock()
		return 0
	}
	if number, ok := c.stream.LargestAcknowledged(); ok {
		c.sealer.Acknowledged(number)
	}
	inside := room[headerSize : headerSize+c.maxPacket]
	plaintext := c.stream.Next(now, c.sealer.Next(now), inside)
	size, lent := 0, c.stream.Lent()
	if lent {
		size = c.sealer.Seal(room, c.padded(plaintext, inside))
		c.stream.Sealed()
	}
	c.update(now)
	c.mu.Unlock()
	if !lent && len(plaintext) > 0 {
		size = c.sealer.Seal(room, c.padded(plaintext, inside))
	}
	return size
}

// padded returns the plaintext with the zeros that it needs behind it, in room.
func (c *Conn) padded(plaintext, room []byte) []byte {
	size := min(c.engine.config.PadSize, c.maxPacket)
	if len(plaintext) >= size {
		return plaintext
	}
	clear(room[copy(room, plaintext):size])
	return room[:size]
}

// receive takes in a packet that carries our id.
func (c *Conn) receive(packet []byte, now time.Time) {
	block := c.engine.blocks.For(len(packet) - overhead)
	number, plaintext, err := c.opener.Open(block.Bytes(), packet, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		block.Free()
		c.rejected++
		return
	}
	if c.state == stateRemoved {
		block.Free()
		return
	}
	c.heard(now)
	before := c.stream.Delivered()
	if err := c.stream.Receive(now, number, plaintext, block); err != nil {
		c.reset(resetProtocol, fmt.Errorf("the peer broke the protocol: %w", err), now)
	}
	if n := c.stream.Delivered() - before; n > 0 {
		c.engine.allowance.arrived(int(n), now)
	}
	if _, ok := c.stream.WasReset(); ok {
		c.fail(errReset)
		c.entomb(now)
	}
	if c.stream.DataAt().Equal(now) {
		c.engine.active.mark(now, &c.use, len(plaintext))
	}
	c.changed.Broadcast()
	c.update(now)
}
