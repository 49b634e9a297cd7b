package limit

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// Types of packets (MQTT 3.1.1, section 2.2.1).
const (
	connect     = 1
	publish     = 3
	subscribe   = 8
	subAck      = 9
	unsubscribe = 10
)

// errMalformed is why a client is disconnected that does not speak MQTT.
var errMalformed = errors.New("a packet is not as MQTT has it")

// packet is an MQTT packet.
type packet struct {
	first byte
	body  []byte // what follows its length
}

func (p packet) kind() byte { return p.first >> 4 }

// bytes returns the packet as it goes over the wire.
func (p packet) bytes() []byte {
	return append(binary.AppendUvarint([]byte{p.first}, uint64(len(p.body))), p.body...)
}

// nextPacket reads a packet.
func nextPacket(in *bufio.Reader) (p packet, err error) {
	if p.first, err = in.ReadByte(); err != nil {
		return p, err
	}
	length, err := binary.ReadUvarint(in) // MQTT's own format, but for its bound of four bytes
	if err != nil {
		return p, err
	}
	if length > 1<<28-1 {
		return p, errMalformed
	}
	p.body = make([]byte, length)
	_, err = io.ReadFull(in, p.body)
	return p, err
}

// cut returns the string at the beginning of body, and what follows it.
func cut(body []byte) (s string, rest []byte, err error) {
	if len(body) < 2 {
		return "", nil, errMalformed
	}
	n := 2 + int(binary.BigEndian.Uint16(body))
	if len(body) < n {
		return "", nil, errMalformed
	}
	return string(body[2:n]), body[n:], nil
}

// keepAlive returns what a CONNECT asks for (section 3.1.2.10).
func (p packet) keepAlive() (time.Duration, error) {
	_, rest, err := cut(p.body)
	if err != nil || len(rest) < 4 {
		return 0, errMalformed
	}
	return time.Duration(binary.BigEndian.Uint16(rest[2:])) * time.Second, nil
}

// filters returns what a SUBSCRIBE or UNSUBSCRIBE names.
func (p packet) filters() (list []string, err error) {
	if len(p.body) < 2 {
		return nil, errMalformed
	}
	for rest := p.body[2:]; len(rest) > 0; {
		var filter string
		if filter, rest, err = cut(rest); err != nil {
			return nil, err
		}
		if p.kind() == subscribe {
			if len(rest) == 0 {
				return nil, errMalformed
			}
			rest = rest[1:] // the QoS
		}
		list = append(list, filter)
	}
	return list, nil
}

// refusal returns the SUBACK that refuses n filters of the SUBSCRIBE p.
func (p packet) refusal(n int) packet {
	body := append([]byte(nil), p.body[:2]...)
	for range n {
		body = append(body, 128)
	}
	return packet{first: subAck << 4, body: body}
}
