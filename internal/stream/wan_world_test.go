package stream

import (
	"slices"
	"time"
)

const (
	echoSize  = 64                    // bytes
	echoPause = 50 * time.Millisecond // between an answer and the next question
)

// wan is two access links with a broker between them, and what is transferred over them.
//
//	A --link-- broker --link-- B
type wan struct {
	*network
	path                       wanPath
	up, down, upBack, downBack *line // towards B: up, down; towards A: downBack, upBack
	control                    func() controller
	toA, toB                   *subscriber // at the broker, if there is one
	echo                       echo
	bytes                      int64 // of the bulk that B has read
}

// wanPath is what the links are like.
type wanPath struct{ up, down, upBack, downBack lineKind }

// links returns a path over these two, which are the same in both directions.
func links(a, b lineKind) wanPath { return wanPath{a, b, a, b} }

// roundTrip is how long an empty path takes.
func (p wanPath) roundTrip() time.Duration {
	return p.up.delay + p.down.delay + p.upBack.delay + p.downBack.delay
}

func newWan(seed uint64, p wanPath, control func() controller) *wan {
	n := newNetwork(seed)
	w := &wan{network: n, path: p, control: control, up: n.line(p.up), down: n.line(p.down), upBack: n.line(p.upBack), downBack: n.line(p.downBack)}
	w.echo.net = n
	n.actors = append(n.actors, &w.echo)
	return w
}

// between returns both directions of a TCP connection over these wires.
func (w *wan) between(there, back []*line) (forth, home *tcp) {
	return w.connect(w.control(), there, back), w.connect(w.control(), back, there)
}

// echo asks small questions and measures how long the answers take.
type echo struct {
	net   *network
	at    time.Duration // when the next question is asked; never: one is open
	asked time.Duration
	took  []time.Duration
	ask   func()
}

func (e *echo) next() time.Duration { return e.at }

func (e *echo) act() {
	e.at, e.asked = never, e.net.now
	e.ask()
}

func (e *echo) answered() {
	e.took = append(e.took, e.net.now-e.asked)
	e.at = e.net.now + echoPause
}

func (e *echo) median() time.Duration {
	if len(e.took) == 0 {
		return never
	}
	slices.Sort(e.took)
	return e.took[len(e.took)/2]
}

// straight lets TCP transfer over both links, as between two machines, and beside it echo.
func (w *wan) straight() {
	there, back := []*line{w.up, w.down}, []*line{w.downBack, w.upBack}
	bulk, _ := w.between(there, back)
	bulk.arrived = func(total int64) { w.bytes = total }
	bulk.freed = func() {
		if n := bulk.room(); n > 0 {
			bulk.write(n)
		}
	}
	question, answer := w.between(there, back)
	question.arrived = func(int64) { answer.write(echoSize) }
	answer.arrived = func(total int64) { w.echo.answered() }
	w.echo.ask = func() { question.write(echoSize) }
	bulk.freed()
}

// streams lets a Conn transfer through the broker, and beside it another one echo.
func (w *wan) streams(packet int) {
	aOut, aIn := w.between([]*line{w.up}, []*line{w.upBack})
	bOut, bIn := w.between([]*line{w.downBack}, []*line{w.down})
	aIn.nagle, bIn.nagle = true, true // Mosquitto leaves it on
	a, b := w.client(aOut, packet), w.client(bOut, packet)
	w.toA, w.toB = newSubscriber(newCarrier(aIn, a.receive)), newSubscriber(newCarrier(bIn, b.receive))
	a.to, b.to = newCarrier(aOut, w.toB.publish), newCarrier(bOut, w.toA.publish)
	for _, c := range append(slices.Clone(a.conns), b.conns...) {
		c.SeedRTT(w.clock(), w.path.roundTrip())
	}
	w.applications(a, b)
	a.update()
}

const bulkConn, echoConn = 0, 1

func (w *wan) client(to *tcp, packet int) *client {
	return newClient(w.network, to, 2, Config{
		MaxPacket: packet - simOverhead, Overhead: simOverhead,
		SendBudget: NewBudget(testBudget), ReceiveBudget: NewBudget(testBudget), Blocks: NewBlocks(packet - simOverhead),
		Grant: func(time.Time) (uint64, uint64) { return 128, 4 << 20 },
	})
}

// applications connects what the programs do to their streams.
func (w *wan) applications(a, b *client) {
	buffer := make([]byte, 64<<10)
	small := make([]byte, echoSize)
	w.echo.ask = func() {
		a.conns[echoConn].Write(small)
		a.update()
	}
	a.app = func() {
		for a.conns[bulkConn].Write(buffer) > 0 {
		}
		if n, _ := a.conns[echoConn].Readable(); n == echoSize {
			a.conns[echoConn].Read(small)
			w.echo.answered()
		}
	}
	b.app = func() {
		for n := 1; n > 0; {
			n = b.conns[bulkConn].Read(buffer)
			w.bytes += int64(n)
		}
		b.conns[echoConn].Write(small[:b.conns[echoConn].Read(small)])
	}
}

// recycledPackets are packets that were delivered.
var recycledPackets [][]byte

func recycle(packet []byte) { recycledPackets = append(recycledPackets, packet) }

func recycled() []byte {
	if n := len(recycledPackets); n > 0 {
		packet := recycledPackets[n-1]
		recycledPackets = recycledPackets[:n-1]
		return packet[:0]
	}
	return nil
}
