package message

import (
	"cmp"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

const (
	defaultAuthData   = "1234567812345678" // the original's (message/SPEC.md, "Sealed packet")
	defaultPadSize    = 50                 // bytes, the original's
	defaultTimeWindow = 10 * time.Second   // the original's
)

// A Codec seals messages into packets and opens packets into messages, under one key. The fields are read once, at the first call;
// a Codec must not be copied after that. It is safe for concurrent use.
//
// It accepts no packet twice, and none that it sealed itself: it remembers every IV of the last TimeWindow, and of the TimeWindow
// ahead, up to 65,536 of them (1 to 1.5 MiB). Above that it refuses late packets with [ErrReplay], older first, rather than accept one twice.
// The memory ends with the Codec. After a restart a packet may be accepted once more, until its time is TimeWindow ago, which can be two
// after it was first accepted; so may one that the Codec before has sealed.
type Codec struct {
	Key        mqtte2e.Key      // required: the zero key is refused
	AuthData   string           // authenticated and not sent: equal on both ends. "": "1234567812345678", as the original
	PadSize    int              // bytes that a shorter message is padded to, at most 65,535; the ends may differ. 0: 50. Negative: no padding
	TimeWindow time.Duration    // how far a packet's time may be off in either direction, inclusive. 0: 10 s. Negative: an error
	Now        func() time.Time // the clock. nil: time.Now
	Rand       io.Reader        // the 4 random bytes of each IV; read by one goroutine at a time. nil: crypto/rand

	once   sync.Once
	err    error // what is wrong with the fields, for every call to return
	aead   cipher.AEAD
	bound  []byte // AuthData
	pad    int
	window time.Duration
	now    func() time.Time

	mu   sync.Mutex // guards what follows, and rand
	rand io.Reader
	last int64 // the time of the packet sealed last, nanoseconds since 1970
	seen memory
}

// Format implements fmt.Formatter: every verb prints the key's fingerprint and nothing else, since package fmt would print the expanded
// key.
func (c *Codec) Format(state fmt.State, verb rune) {
	io.WriteString(state, "message.Codec{Key: "+c.Key.String()+"}")
}

func (c *Codec) prepare() error {
	c.once.Do(func() {
		if c.err = c.check(); c.err == nil {
			c.fill()
		}
	})
	return c.err
}

func (c *Codec) check() error {
	switch {
	case c.Key == mqtte2e.Key{}:
		return errors.New("message: the Key is missing (all zeros): set the 16-byte key that both ends share")
	case c.PadSize > MaxMessageSize:
		return setting.Errorf(prefix, "%v is %d, more than the largest message, %d bytes: lower it", setting.Field("PadSize"), c.PadSize, MaxMessageSize)
	case c.TimeWindow < 0:
		return setting.Errorf(prefix, "%v is %v: make it positive, or 0 for %v", setting.Field("TimeWindow"), c.TimeWindow, defaultTimeWindow)
	}
	return nil
}

func (c *Codec) fill() {
	c.aead = newAEAD(c.Key)
	c.bound = []byte(cmp.Or(c.AuthData, defaultAuthData))
	c.pad = max(0, cmp.Or(c.PadSize, defaultPadSize))
	c.window = cmp.Or(c.TimeWindow, defaultTimeWindow)
	c.seen = newMemory(maxRemembered)
	c.last = -1
	if c.now = c.Now; c.now == nil {
		c.now = time.Now
	}
	if c.rand = c.Rand; c.rand == nil {
		c.rand = rand.Reader
	}
}

// Seal returns message in a packet of its own. The packet's time is the clock's, or a nanosecond after that of the packet before
// when the clock has not moved on or was set back: so no IV repeats and no time goes backwards, and a clock that was set back by more
// than TimeWindow has the far side refuse what is sealed until it has caught up or the Codec is replaced. Seal fails if message is
// longer than [MaxMessageSize], if the clock is outside the years 1970 to 2261, or if Rand fails.
func (c *Codec) Seal(message []byte) ([]byte, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := checkMessage(message); err != nil {
		return nil, err
	}
	packet := make([]byte, c.packetSize(message))
	if err := c.seal(packet, message, c.now()); err != nil {
		return nil, err
	}
	return packet, nil
}

func checkMessage(message []byte) error {
	if len(message) > MaxMessageSize {
		return fmt.Errorf("message: %d bytes are too long for one message, the most is %d: split it", len(message), MaxMessageSize)
	}
	return nil
}

func (c *Codec) packetSize(message []byte) int { return Overhead + max(len(message), c.pad) }

// seal fills packet, which has the packetSize of message.
func (c *Codec) seal(packet, message []byte, now time.Time) error {
	putPlaintext(plaintext(packet), message)
	return c.sealPlaintext(packet, now)
}

// sealPlaintext seals what stands where packet's ciphertext belongs.
func (c *Codec) sealPlaintext(packet []byte, now time.Time) error {
	if err := c.putIV(packet, now); err != nil {
		return err
	}
	plain := plaintext(packet)
	c.aead.Seal(plain[:0], packet[:ivSize], plain, c.bound)
	return nil
}

// The years that a signed count of nanoseconds since 1970 holds, as Unix seconds.
const firstSecond, endSecond = 0, 1<<63/1_000_000_000 - 1

func (c *Codec) putIV(packet []byte, now time.Time) error {
	if second := now.Unix(); second < firstSecond || second >= endSecond {
		return fmt.Errorf("message: the clock shows the year %d, which a packet's time cannot hold: set it", now.UTC().Year())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.ReadFull(c.rand, packet[timeSize:ivSize]); err != nil {
		return fmt.Errorf("message: no random bytes for a packet: %w", err)
	}
	c.last = max(c.last+1, now.UnixNano())
	binary.BigEndian.PutUint64(packet, uint64(c.last))
	c.seen.add(readIV(packet), now, c.window) // new, as its time is
	return nil
}

// Open returns the message within packet, which it leaves as it is. The error wraps [ErrMalformed] if the length is not one of version
// 1, else [ErrForged], [ErrVersion], [ErrMalformed], [ErrTime] or [ErrReplay], looked for in this order: only what was sealed under the
// key is judged by its content, or remembered.
func (c *Codec) Open(packet []byte) ([]byte, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := checkLength(packet); err != nil {
		return nil, err
	}
	message, _, err := c.open(make([]byte, 0, len(packet)), packet, 0, c.now())
	return message, err
}

func checkLength(packet []byte) error {
	switch {
	case len(packet) < Overhead:
		return errTooShort
	case len(packet) > MaxPacketSize:
		return errTooLong
	}
	return nil
}

// openInPlace is Open for a packet that it may overwrite, in which the message then lies. It came by one of several links: the first
// copy that comes by another is errCopy.
func (c *Codec) openInPlace(packet []byte, link int) (message []byte, sealed time.Time, err error) {
	if err := checkLength(packet); err != nil {
		return nil, time.Time{}, err
	}
	return c.open(packet[ivSize:ivSize], packet, link, c.now())
}

// open decrypts a packet of permitted length to room, which may be the packet's own ciphertext, emptied.
func (c *Codec) open(room, packet []byte, link int, now time.Time) (message []byte, sealed time.Time, err error) {
	plain, err := c.aead.Open(room, packet[:ivSize], packet[ivSize:], c.bound)
	if err != nil {
		return nil, time.Time{}, ErrForged
	}
	if message, err = readPlaintext(plain); err != nil {
		return nil, time.Time{}, err
	}
	v := readIV(packet)
	v.links = 1 << link
	if err = c.admit(v, now); err != nil {
		return nil, time.Time{}, err
	}
	return message, time.Unix(0, v.time), nil
}

// admit decides about the IV of a genuine packet.
func (c *Codec) admit(v iv, now time.Time) error {
	if offset := v.offset(now); offset > c.window || offset < -c.window {
		return &TimeError{Offset: offset, Window: c.window}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen.add(v, now, c.window)
}
