package conn

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// This file is the path of every byte, copied once at each end. What holds on it:
//
//   - Out: Write copies into memory of the stream, which keeps it until it is
//     acknowledged. A packet whose data lie together in it is sealed from there
//     into the batch, with Conn.mu held, since an acknowledgement frees what was
//     written; any other is made in the batch and sealed in place without it. The
//     batch belongs to a link's writer, the only goroutine that writes to its
//     socket, and is used again when the write has returned.
//   - In: the read buffer belongs to the link's reader, and a packet lies there
//     only until Receive returns. A packet that fills a Block, of up to 64 KiB,
//     is opened into one, without a lock: nobody else knows of it before the
//     stream takes it over, and the stream frees it when the application has read
//     all of it. Any other is opened in place, and the stream copies its data. A
//     packet that does not authenticate leaves nothing behind.
//   - No memory is allocated for a packet: Blocks are recycled, those of full
//     packets within the Engine, smaller ones within the process.

// Fill makes the next packet for a path that Outbound told, at the beginning of room, which holds the
// largest, and returns its size; 0: there is none.
func (c *Conn) Fill(p path.ID, room []byte, now time.Time) (size int) {
	c.filling.Lock()
	defer c.filling.Unlock()
	c.trace.sends(c.sealer, p)
	size, plaintext := c.next(p, room, now)
	if len(plaintext) > 0 {
		return c.sealer.Seal(room, plaintext)
	}
	return size
}

func (c *Conn) next(p path.ID, room []byte, now time.Time) (size int, plaintext []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.life.MaySend() {
		return 0, nil
	}
	switch {
	case c.route.Pending().Has(p):
		plaintext = c.nextOnPath(p, room, now)
	case c.route.Current() == p:
		c.stream.Count(c.host.Counts(p.Own()))
		size, plaintext = c.stream.Next(now, room)
	}
	c.update(now)
	return size, plaintext
}

// Receive takes in a packet that carries our id, and came by a link.
func (c *Conn) Receive(own uint8, packet []byte, now time.Time) (received stream.Received) {
	block := c.blocks.For(len(packet) - record.Overhead)
	number, plaintext, oldKeysUntil, err := c.open(block.Bytes(), packet, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.life.State() == life.Over {
		block.Free()
		c.reject(number, len(packet), err)
		return received
	}
	c.trace.received(own, number, plaintext)
	if !oldKeysUntil.IsZero() { // another link's reader may have come to the next epoch meanwhile
		c.oldKeysUntil = oldKeysUntil
	}
	received, c.violation = c.stream.Receive(now, number, plaintext, block)
	c.apply(c.life.Hear(received.OfPaths(), now), now)
	if c.violation != nil {
		c.apply(c.life.Violated(now), now)
	}
	c.learn(received, now)
	c.changed.Broadcast()
	c.update(now)
	return received
}

func (c *Conn) open(room, packet []byte, now time.Time) (number uint64, plaintext []byte, oldKeysUntil time.Time, err error) {
	c.opening.Lock()
	defer c.opening.Unlock()
	number, plaintext, err = c.opener.Open(room, packet, now)
	return number, plaintext, c.opener.PreviousUntil(), err
}

// reject takes note of a packet that did not authenticate, if there is an error.
func (c *Conn) reject(number uint64, size int, err error) {
	if err != nil {
		c.rejected++
		c.trace.refused(number, size, err)
	}
}
