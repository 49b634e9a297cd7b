package link

import (
	"bufio"
	"io"
	"net"
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

// accept answers CONNECT, and the SUBSCRIBE packets of as many filters as are given return codes, in turn.
func (s *script) accept(codes ...byte) {
	s.read()
	s.send(0x20, 2, 0, 0)
	for len(codes) > 0 {
		_, body, err := s.read()
		if err != nil {
			return
		}
		_, filters := subscribeFilters(body)
		s.send(append([]byte{0x90, byte(2 + len(filters)), body[0], body[1]}, codes[:len(filters)]...)...)
		codes = codes[len(filters):]
	}
}

// readAll reads what comes until the end of the connection.
func (s *script) readAll() string {
	b, _ := io.ReadAll(s.in)
	return string(b)
}
