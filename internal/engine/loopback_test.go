package engine

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// A loopback is a Conn between two Engines whose writer and reader goroutines the
// test plays: all that happens to data but for sockets and the broker.
type loopback struct {
	testing.TB
	engines [2]*Engine
	conns   [2]*Conn
	batch   *link.Batch
	buffer  []byte // of the application that reads
	taken   uint64 // bytes that it read
}

func newLoopback(tb testing.TB, messageSize int) *loopback {
	p := &loopback{TB: tb, batch: link.NewBatch(messageSize), buffer: make([]byte, 128<<10)}
	ids := [2][8]byte{{1}, {2}}
	secrets := [2][32]byte{{1}, {2}}
	for i := range p.engines {
		p.engines[i] = New(Config{
			Brokers: make([]address.Broker, 1), // never reached
			Key:     [16]byte{1}, PadSize: 50, MaxMessageSize: messageSize, PeerTimeout: time.Minute,
			Logger: slog.New(slog.DiscardHandler),
		})
	}
	now := time.Now()
	for i, e := range p.engines {
		e.uplinks[0].Up(now)
		other := 1 - i
		p.conns[i] = e.enter(agreed{
			id: ids[i], origin: origin{dialer: true, peerID: ids[other], peerInbox: p.engines[other].inbox}, links: 1,
			incoming: secrets[i], outgoing: secrets[other], maxMessageSize: messageSize,
		}, now)
	}
	tb.Cleanup(p.end)
	return p
}

func (p *loopback) end() {
	for _, c := range p.conns {
		c.Discard()
	}
}

// carry moves b from one application to the other, and the ACKs back.
func (p *loopback) carry(b []byte) {
	if _, err := p.conns[0].Write(b); err != nil {
		p.Fatal(err)
	}
	for left := len(b); left > 0; {
		p.flush(0)
		for left > 0 && p.readable() > 0 {
			n, err := p.conns[1].Read(p.buffer)
			if err != nil {
				p.Fatal(err)
			}
			left -= n
			p.taken += uint64(n)
		}
		p.flush(1)
	}
}

func (p *loopback) readable() uint64 {
	stats := p.conns[1].Stats()
	return stats.BytesReceived - p.taken
}

// flush hands what one Engine publishes to the other, batch by batch.
func (p *loopback) flush(from int) {
	for {
		now := time.Now()
		p.batch.Reset()
		p.engines[from].uplinks[0].Fill(p.batch, now)
		if len(p.batch.Bytes()) == 0 {
			return
		}
		for packets := p.batch.Bytes(); len(packets) > 0; {
			length, size := binary.Uvarint(packets[1:])
			packet := packets[1+size : 1+size+int(length)]
			packets = packets[1+size+int(length):]
			p.engines[1-from].uplinks[0].receiveInbox(nil, packet[2+binary.BigEndian.Uint16(packet):], now)
		}
	}
}

func (p *loopback) packets() uint64 {
	stats := p.conns[0].Stats()
	return stats.PacketsSent
}

// BenchmarkConn is a Conn without sockets and broker, in writes of 32 KiB.
func BenchmarkConn(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 60 << 10, 256 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := newLoopback(b, size)
			data := make([]byte, 32<<10)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				p.carry(data)
			}
		})
	}
}
