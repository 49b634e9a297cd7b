package simtest

import (
	"bufio"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// reorderDelay is how much later a packet comes that FaultConfig.Reorder chose.
	reorderDelay = 5 * time.Millisecond

	// faultyBuffer bounds what a Faulty connection holds back, in bytes. When it is reached the broker has to wait.
	faultyBuffer = 8 << 20
)

// FaultConfig says what goes wrong on the way from a broker to a client. Probabilities are for each PUBLISH packet; other
// packets are only delayed, and keep their order.
type FaultConfig struct {
	Seed       uint64        // equal seeds make equal choices
	Loss       float64       // probability that a packet vanishes
	Duplicate  float64       // probability that it comes twice
	Reorder    float64       // probability that it comes 5 ms later than the ones before and after it
	Corrupt    float64       // probability that one bit of its payload is another
	MaxPayload int           // size above which payloads vanish, bytes. 0: none does
	Delay      time.Duration // how much later everything comes
}

// Faulty returns conn, the client's end of an MQTT connection, with faults in what the client reads. It is meant for the
// DialContext of a Config:
//
//	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
//		conn, err := broker.DialContext(ctx, network, address)
//		return simtest.Faulty(conn, simtest.FaultConfig{Seed: 1, Loss: 0.01}), err
//	}
//
// A nil conn is returned as it is.
func Faulty(conn net.Conn, config FaultConfig) net.Conn {
	if conn == nil {
		return nil
	}
	f := &faultyConn{Conn: conn, config: config, random: rand.New(rand.NewPCG(config.Seed, 0)), in: newHalf()}
	f.changed.L = &f.mu
	go f.receive()
	go f.release()
	return f
}

// faultyConn is a connection with faults. What the client reads passes two goroutines: receive chooses the faults, release waits
// until the packets are due.
type faultyConn struct {
	net.Conn
	config FaultConfig
	random *rand.Rand // owned by receive
	in     *half      // from release to the client

	mu      sync.Mutex
	changed sync.Cond // anything below
	queue   []delayedPacket
	size    int  // of the packets in queue, at most faultyBuffer and a packet
	ended   bool // nothing more will come into queue
	closed  bool // by the client
}

type delayedPacket struct {
	due  time.Time
	data []byte
}

func (f *faultyConn) Read(p []byte) (int, error) { return f.in.read(p) }
func (f *faultyConn) SetReadDeadline(t time.Time) error {
	f.in.setDeadline(&f.in.readDeadline, t)
	return nil
}

func (f *faultyConn) SetDeadline(t time.Time) error {
	f.SetReadDeadline(t)
	return f.Conn.SetWriteDeadline(t)
}

func (f *faultyConn) Close() error {
	f.mu.Lock()
	f.closed = true
	f.changed.Broadcast()
	f.mu.Unlock()
	f.in.close(&f.in.readerGone)
	return f.Conn.Close()
}

// receive reads packets from the broker and queues what is left of them.
func (f *faultyConn) receive() {
	in := bufio.NewReader(f.Conn)
	for {
		packet, err := readPacket(in)
		if err != nil {
			break
		}
		if packet[0]>>4 == 3 {
			f.publish(packet)
		} else {
			f.push(packet, 0)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	f.changed.Broadcast()
}

// readPacket reads one MQTT packet. A remaining length is a varint.
func readPacket(in *bufio.Reader) ([]byte, error) {
	first, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	length, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	packet := binary.AppendUvarint([]byte{first}, length)
	header := len(packet)
	packet = append(packet, make([]byte, length)...)
	_, err = io.ReadFull(in, packet[header:])
	return packet, err
}

// publish queues a PUBLISH packet, if it is lucky. It makes the same choices in the same order for every packet, so that one
// fault more or less does not change all others.
func (f *faultyConn) publish(packet []byte) {
	lost, again, late, corrupt := f.chance(f.config.Loss), f.chance(f.config.Duplicate), f.chance(f.config.Reorder), f.chance(f.config.Corrupt)
	position := f.random.Uint64()
	payload := payloadOf(packet)
	if lost || f.config.MaxPayload > 0 && len(payload) > f.config.MaxPayload {
		return
	}
	if corrupt && len(payload) > 0 {
		payload[position/8%uint64(len(payload))] ^= 1 << (position % 8)
	}
	var extra time.Duration
	if late {
		extra = reorderDelay
	}
	f.push(packet, extra)
	if again {
		f.push(packet, extra)
	}
}

func (f *faultyConn) chance(probability float64) bool { return f.random.Float64() < probability }

// payloadOf returns the payload of a PUBLISH packet of QoS 0.
func payloadOf(packet []byte) []byte {
	_, size := binary.Uvarint(packet[1:])
	body := packet[1+size:]
	return body[2+binary.BigEndian.Uint16(body):]
}

// push queues a packet, behind those that are due no later.
func (f *faultyConn) push(packet []byte, extra time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.size > faultyBuffer && !f.closed {
		f.changed.Wait()
	}
	due := time.Now().Add(f.config.Delay + extra)
	at := len(f.queue)
	for at > 0 && f.queue[at-1].due.After(due) {
		at--
	}
	f.queue = slices.Insert(f.queue, at, delayedPacket{due, packet})
	f.size += len(packet)
	f.changed.Broadcast()
}

// release hands packets to the client when they are due, and then the end of the connection.
func (f *faultyConn) release() {
	for {
		packet, ok := f.pop()
		if !ok {
			f.in.close(&f.in.writerGone)
			return
		}
		f.in.write(packet)
	}
}

// pop waits for a packet that is due and takes it; false means that none will come.
func (f *faultyConn) pop() (packet []byte, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.closed {
		switch {
		case len(f.queue) == 0 && f.ended:
			return nil, false
		case len(f.queue) == 0:
			f.changed.Wait()
		case time.Until(f.queue[0].due) > 0:
			timer := time.AfterFunc(time.Until(f.queue[0].due), f.notify)
			f.changed.Wait()
			timer.Stop()
		default:
			packet = f.queue[0].data
			f.queue = slices.Delete(f.queue, 0, 1)
			f.size -= len(packet)
			f.changed.Broadcast()
			return packet, true
		}
	}
	return nil, false
}

func (f *faultyConn) notify() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed.Broadcast()
}
