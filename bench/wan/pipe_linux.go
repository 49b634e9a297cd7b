package wan

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// underWay bounds the packets between the ends of a line: 200 Mbit/s for half a second are 8,000 full ones. Beyond it packets are lost.
const underWay = 1 << 16

// packet is one on its way.
type packet struct {
	arrival time.Time
	length  int
	data    [packetSize]byte
}

var packets = sync.Pool{New: func() any { return new(packet) }}

// carry moves packets from one device to another over l until from is closed. While dead is set it loses them all.
func carry(from, to *os.File, l *line, dead *atomic.Bool) {
	way := make(chan *packet, underWay)
	defer close(way)
	go deliver(way, to)
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
			packets.Put(p)
		}
	}
}

// deliver writes packets when they are due. A timer may be a millisecond late; what has become due meanwhile follows without another,
// so that the rate holds. A device that is gone takes nothing: then packets are lost.
func deliver(way <-chan *packet, to *os.File) {
	for p := range way {
		if wait := time.Until(p.arrival); wait > 0 {
			time.Sleep(wait)
		}
		to.Write(p.data[:p.length])
		packets.Put(p)
	}
}
