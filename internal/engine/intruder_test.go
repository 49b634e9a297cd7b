package engine

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// An intruder is a client of the broker that has no key.
type intruder struct {
	t    *testing.T
	conn net.Conn
}

// intruder connects one that leaves with the test.
func (w *world) intruder() *intruder {
	w.t.Helper()
	conn, err := w.broker.DialContext(context.Background(), "tcp", "broker.test:1883")
	if err != nil {
		w.t.Fatal(err)
	}
	i := &intruder{w.t, conn}
	// MQTT 3.1.1, section 3.1: a clean session, no keep-alive, an empty client identifier.
	i.send(0x10, []byte{0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0})
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
		w.t.Fatal(err)
	}
	go io.Copy(io.Discard, conn) // acknowledgements
	w.t.Cleanup(func() { conn.Close() })
	return i
}

func (i *intruder) send(first byte, body []byte) {
	i.t.Helper()
	packet := binary.AppendUvarint([]byte{first}, uint64(len(body)))
	if _, err := i.conn.Write(append(packet, body...)); err != nil {
		i.t.Fatal(err)
	}
}

// publish publishes with QoS 0.
func (i *intruder) publish(topic string, payload []byte) {
	i.t.Helper()
	i.send(0x30, append(topicField(topic), payload...))
}

// publishFlags publishes with QoS 1, retained or both.
func (i *intruder) publishFlags(topic string, payload []byte, qos1, retain bool) {
	i.t.Helper()
	first, body := byte(0x30), topicField(topic)
	if retain {
		first |= 1
	}
	if qos1 {
		first |= 2
		body = append(body, 0, 1) // a packet identifier
	}
	i.send(first, append(body, payload...))
}

func topicField(topic string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(topic))), topic...)
}
