package link

import (
	"bufio"
	"bytes"
	"io"
	"net"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// script is a broker that does what the test tells it.
type script struct {
	conn net.Conn
	in   *bufio.Reader
}

func newScript(conn net.Conn) *script { return &script{conn: conn, in: bufio.NewReader(conn)} }

// read reads one packet: its first byte and what follows the fixed header.
func (s *script) read() (first byte, body []byte, err error) {
	b, err := s.in.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	for {
		h, size, err := parseHeader(b)
		if err != nil {
			return 0, nil, err
		}
		if size > 0 {
			s.in.Discard(size)
			body = make([]byte, h.length)
			_, err = io.ReadFull(s.in, body)
			return h.kind<<4 | h.flags, body, err
		}
		if b, err = s.in.Peek(len(b) + 1); err != nil {
			return 0, nil, err
		}
	}
}

// send sends bytes, well-formed or not.
func (s *script) send(b ...byte) { s.conn.Write(b) }

// accept answers CONNECT, and one SUBSCRIBE: all filters are granted but the one named refused.
func (s *script) accept(refused string) {
	s.acceptConnect()
	_, body, err := s.read()
	if err != nil {
		return
	}
	request := packets.SubscribePacket{FixedHeader: packets.FixedHeader{RemainingLength: len(body)}}
	request.Unpack(bytes.NewReader(body))
	answer := []byte{0x90, byte(2 + len(request.Topics)), body[0], body[1]}
	for _, filter := range request.Topics {
		if filter == refused {
			answer = append(answer, 0x80)
		} else {
			answer = append(answer, 0)
		}
	}
	s.send(answer...)
}

// acceptConnect answers CONNECT.
func (s *script) acceptConnect() {
	s.read()
	s.send(0x20, 2, 0, 0)
}

// readAll reads what comes until the end of the connection.
func (s *script) readAll() string {
	b, _ := io.ReadAll(s.in)
	return string(b)
}
