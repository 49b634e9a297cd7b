package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

const (
	// wireBatch is from how many bytes on the bare client writes what it has, as the link does.
	wireBatch = 256 << 10

	// wireTimeout bounds every wait of the clients for the broker: a benchmark that stalls has to end.
	wireTimeout = 20 * time.Second
)

// wireClient speaks just enough MQTT 3.1.1 to publish and to receive with QoS 0, with one write for many packets, one large
// read buffer and no allocation for a packet. It encrypts and checks nothing and would not survive a hostile broker: it is the
// fastest that a client of this broker can be.
type wireClient struct {
	conn  net.Conn
	in    *bufio.Reader
	batch []byte
}

// newWireClient sends CONNECT over conn and waits for CONNACK.
func newWireClient(conn net.Conn, name string) (*wireClient, error) {
	w := &wireClient{conn: conn, in: bufio.NewReaderSize(conn, wireBatch+content.MaxPiece), batch: make([]byte, 0, wireBatch+2*content.MaxPiece)}
	conn.SetDeadline(time.Now().Add(wireTimeout))
	body := append([]byte("\x00\x04MQTT\x04\x02\x00\x00"), mqttString(name)...)
	if _, err := conn.Write(packet(0x10, body)); err != nil {
		return nil, err
	}
	return w, w.expect(0x20)
}

// subscribe subscribes to topic with QoS 0.
func (w *wireClient) subscribe(topic string) error {
	body := append([]byte{0, 1}, mqttString(topic)...)
	if _, err := w.conn.Write(packet(0x82, append(body, 0))); err != nil {
		return err
	}
	return w.expect(0x90)
}

// expect reads one packet, which must be of the given type and, for what answers us, say yes.
func (w *wireClient) expect(kind byte) error {
	first, body, err := w.next()
	switch {
	case err != nil:
		return err
	case first != kind:
		return fmt.Errorf("the broker sent a packet of type %#x instead of %#x", first, kind)
	case body[len(body)-1] != 0:
		return errors.New("the broker refused the client")
	}
	return nil
}

// next reads one packet and returns its first byte and what follows the length, which is valid until the next call.
func (w *wireClient) next() (first byte, body []byte, err error) {
	length, size := 0, 1
	for ; ; size++ {
		header, err := w.in.Peek(size + 1)
		if err != nil {
			return 0, nil, err
		}
		length |= int(header[size]&0x7F) << (7 * (size - 1))
		if header[size] < 0x80 {
			break
		}
	}
	if body, err = w.in.Peek(size + 1 + length); err != nil {
		return 0, nil, err
	}
	first = body[0]
	w.in.Discard(len(body))
	return first, body[size+1:], nil
}

// nextPayload reads one PUBLISH and returns its payload, which is valid until the next call.
func (w *wireClient) nextPayload() ([]byte, error) {
	first, body, err := w.next()
	if err != nil {
		return nil, err
	}
	if first != 0x30 {
		return nil, fmt.Errorf("the broker sent a packet of type %#x instead of PUBLISH", first)
	}
	return body[2+binary.BigEndian.Uint16(body):], nil
}

// add puts a PUBLISH into the batch.
func (w *wireClient) add(topic string, payload []byte) {
	w.batch = append(w.batch, 0x30)
	w.batch = appendLength(w.batch, 2+len(topic)+len(payload))
	w.batch = binary.BigEndian.AppendUint16(w.batch, uint16(len(topic)))
	w.batch = append(w.batch, topic...)
	w.batch = append(w.batch, payload...)
}

// flush writes the batch.
func (w *wireClient) flush() error {
	_, err := w.conn.Write(w.batch)
	w.batch = w.batch[:0]
	return err
}

func (w *wireClient) close() {
	w.conn.Write([]byte{0xE0, 0})
	w.conn.Close()
}

func mqttString(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func packet(first byte, body []byte) []byte {
	return append(appendLength([]byte{first}, len(body)), body...)
}

func appendLength(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
