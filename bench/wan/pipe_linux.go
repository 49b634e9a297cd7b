package wan

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// underWay bounds the packets between the ends of a line: 200 Mbit/s for half a second are 8,000 full ones. Beyond it packets are lost.
const underWay = 1 << 16

// strain is what the emulation itself did to packets.
type strain struct{ carried, late, lost atomic.Int64 }

// packet is one on its way.
type packet struct {
	arrival time.Time
	length  int
	data    [packetSize]byte
}

var packets = sync.Pool{New: func() any { return new(packet) }}

// lateness is from when on a packet counts as late: what a timer needs at most on a machine that is not busy, several times over.
const lateness = 5 * time.Millisecond

// carry moves packets from one device to another over l until from is closed. While dead is set it loses them all.
func carry(from, to *os.File, l *line, dead *atomic.Bool, s *strain) {
	way := make(chan *packet, underWay)
	defer close(way)
	go deliver(way, to, s)
	for {
		p := packets.Get().(*packet)
		var err error
		if p.length, err = from.Read(p.data[:]); err != nil {
			return
		}
		arrival, ok := l.admit(time.Now(), p.length)
		if !ok || dead.Load() {
			packets.Put(p)
			continue
		}
		p.arrival = arrival
		select {
		case way <- p:
		default:
			s.lost.Add(1)
			packets.Put(p)
		}
	}
}

// deliver writes packets when they are due. A timer may be a millisecond late; what has become due meanwhile follows without another,
// so that the rate holds. A device that is gone takes nothing: then packets are lost.
func deliver(way <-chan *packet, to *os.File, s *strain) {
	for p := range way {
		if wait := time.Until(p.arrival); wait > 0 {
			time.Sleep(wait)
		}
		if s.carried.Add(1); time.Since(p.arrival) > lateness {
			s.late.Add(1)
		}
		to.Write(p.data[:p.length])
		packets.Put(p)
	}
}
