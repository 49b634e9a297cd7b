package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// What happens to a message beyond the allowance.
const (
	delayed      = "delayed"
	discarded    = "discarded"
	disconnected = "disconnected"
)

// limit is a rule of a service: how much each of its clients may publish, in messages or in bytes a second.
type limit struct {
	Messages float64 // a second; 0: bytes are counted
	Bytes    float64 // a second, whole MQTT packets
	Beyond   string  // delayed, discarded or disconnected
}

// limitReport is what became of the clients.
type limitReport struct{ Disconnects int64 }

// bucket counts an allowance, of which a second's worth may be used at once.
type bucket struct {
	rate  float64 // a second
	level float64
	last  time.Time
}

// take takes n and returns how long it takes until there is so much; more than 0: nothing is taken.
func (b *bucket) take(now time.Time, n float64) time.Duration {
	if b.last.IsZero() {
		b.level = b.rate
	} else {
		b.level = min(b.rate, b.level+b.rate*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.level >= n {
		b.level -= n
		return 0
	}
	return time.Duration((n-b.level)/b.rate*float64(time.Second)) + time.Microsecond // rounded up
}

// limiter stands between clients and a broker.
type limiter struct {
	limit
	broker      string
	disconnects atomic.Int64
}

// limiting is the role of a limiter: it listens on s.Address, for the broker beside it.
func (s *wanSpec) limiting(end io.Reader) (any, error) {
	l, err := net.Listen("tcp", s.Address)
	if err != nil {
		return nil, err
	}
	r := &limiter{limit: *s.Limit, broker: "127.0.0.1:1883"}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(client)
		}
	}()
	ready()
	io.Copy(io.Discard, end)
	return limitReport{r.disconnects.Load()}, nil
}

func (r *limiter) serve(client net.Conn) {
	defer client.Close()
	broker, err := net.Dial("tcp", r.broker)
	if err != nil {
		return
	}
	defer broker.Close()
	go func() {
		io.Copy(client, broker)
		client.Close()
	}()
	if r.relay(client, broker) == errBeyond {
		r.disconnects.Add(1)
	}
}

// errBeyond is why a client is disconnected.
var errBeyond = errors.New("the client published more than it may")

// relay passes a client's packets on as its allowance has it.
func (r *limiter) relay(client io.Reader, broker io.Writer) error {
	in := bufio.NewReader(client)
	b := &bucket{rate: max(r.Messages, r.Bytes)}
	for {
		first, body, err := nextPacket(in)
		if err != nil {
			return err
		}
		packet := append(appendLength([]byte{first}, len(body)), body...)
		pass, err := r.admit(b, first, len(packet))
		if err != nil {
			return err
		}
		if !pass {
			continue
		}
		if _, err := broker.Write(packet); err != nil {
			return err
		}
	}
}

// admit says what becomes of a packet. It waits where what is beyond is delayed.
func (r *limiter) admit(b *bucket, first byte, length int) (pass bool, err error) {
	if first>>4 != 3 { // not PUBLISH
		return true, nil
	}
	n := 1.0
	if r.Messages == 0 {
		n = float64(length)
	}
	for {
		wait := b.take(time.Now(), n)
		switch {
		case wait == 0:
			return true, nil
		case r.Beyond == discarded:
			return false, nil
		case r.Beyond == disconnected:
			return false, errBeyond
		}
		time.Sleep(wait)
	}
}

// nextPacket reads an MQTT packet: its first byte and what follows its length.
func nextPacket(in *bufio.Reader) (first byte, body []byte, err error) {
	if first, err = in.ReadByte(); err != nil {
		return 0, nil, err
	}
	length, err := binary.ReadUvarint(in) // MQTT's own format, but for its bound of four bytes
	if err != nil {
		return 0, nil, err
	}
	if length > 1<<28-1 {
		return 0, nil, errors.New("a packet is longer than MQTT has it")
	}
	body = make([]byte, length)
	_, err = io.ReadFull(in, body)
	return first, body, err
}
