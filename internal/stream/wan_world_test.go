package stream

import (
	"slices"
	"time"
)

// wan is two access links with a broker between them, and what is transferred over them.
//
//	A --link-- broker --link-- B
type wan struct {
	*network
	path                       wanPath
	up, down, upBack, downBack *line // A to broker to B, and back
	control                    func() controller
	echo                       echo
	bulks                      []*bulk
	brokers                    []*subscriber // what the broker knows of each B
	quiet                      bool          // B does not report
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
	w.echo = echo{net: n, at: never, pause: echoPause}
	n.actors = append(n.actors, &w.echo)
	return w
}

// between returns both directions of a TCP connection over these lines.
func (w *wan) between(there, back []*line) (forth, home *tcp) {
	return w.connect(w.control(), there, back), w.connect(w.control(), back, there)
}

// straight returns those of a connection over both links.
func (w *wan) straight() (forth, home *tcp) {
	return w.between([]*line{w.up, w.down}, []*line{w.downBack, w.upBack})
}

// bulk is a transfer from A to B that never ends.
type bulk struct{ read, before int64 } // bytes that B has; those that it had when measuring began

func (w *wan) newBulk() *bulk {
	b := new(bulk)
	w.bulks = append(w.bulks, b)
	return b
}

// tcpBulk transfers by TCP, as between two machines.
func (w *wan) tcpBulk() {
	to, home := w.straight()
	b := w.newBulk()
	to.arrived = func(total int64) { b.read = total }
	to.freed = func() {
		if n := to.room(); n > 0 {
			to.write(n)
		}
	}
	to.freed()
	w.report(func() { home.write(reportSize) })
}

// report lets B tell every reportEvery how much has arrived.
func (w *wan) report(tell func()) {
	if !w.quiet {
		w.actors = append(w.actors, &reports{at: w.now + reportEvery, report: tell})
	}
}

// tcpEcho asks and answers over another connection.
func (w *wan) tcpEcho() {
	question, answer := w.straight()
	question.arrived = func(int64) { answer.write(echoSize) }
	answer.arrived = func(int64) { w.echo.answered() }
	w.echo.begin(func() { question.write(echoSize) })
}

// endpoints makes a program at each side, between which so many Conns transfer, and one more echoes.
func (w *wan) endpoints(packet, bulks int, limit allowance) {
	aOut, aIn := w.between([]*line{w.up}, []*line{w.upBack})
	bOut, bIn := w.between([]*line{w.downBack}, []*line{w.down})
	aIn.nagle, bIn.nagle = true, true // Mosquitto leaves it on
	a, b := w.client(aOut, packet, bulks+1), w.client(bOut, packet, bulks+1)
	toA, toB := newSubscriber(newCarrier(aIn, a.receive), limit), newSubscriber(newCarrier(bIn, b.receive), limit)
	a.to, b.to = newCarrier(aOut, toB.publish), newCarrier(bOut, toA.publish)
	w.actors = append(w.actors, toA, toB)
	w.brokers = append(w.brokers, toB)
	for _, c := range append(slices.Clone(a.conns), b.conns...) {
		c.seed(w.path.roundTrip())
	}
	w.applications(a, b)
	a.update()
}

func (w *wan) client(to *tcp, packet, conns int) *client {
	return newClient(w.network, to, conns, Config{
		MaxPacket: packet - simOverhead, Overhead: simOverhead,
		Ensemble: NewEnsemble(), SendBudget: NewBudget(testBudget), ReceiveBudget: NewBudget(testBudget), Blocks: NewBlocks(packet - simOverhead),
		Grant: func(time.Time) (uint64, uint64) { return 128 / uint64(conns-1), 4 << 20 / uint64(conns-1) }, // as engine shares it among those that transfer
	})
}

// applications connects what the programs do to their streams. The last one echoes.
func (w *wan) applications(a, b *client) {
	buffer, small := make([]byte, 64<<10), make([]byte, echoSize)
	last := len(a.conns) - 1
	question, answer := a.conns[last], b.conns[last]
	first := len(w.bulks)
	for range last {
		w.newBulk()
	}
	a.app = func() {
		for _, c := range a.conns[:last] {
			read(c.Stream, buffer)
			for c.Write(buffer) > 0 {
			}
		}
		if n, _ := readable(question.Stream); n == echoSize {
			read(question.Stream, small)
			w.echo.answered()
		}
	}
	b.app = func() {
		for i, c := range b.conns[:last] {
			for n := read(c.Stream, buffer); n > 0; n = read(c.Stream, buffer) {
				w.bulks[first+i].read += int64(n)
			}
		}
		answer.Write(small[:read(answer.Stream, small)])
	}
	w.echo.begin(func() {
		question.Write(small)
		a.update()
	})
	w.report(func() {
		for _, c := range b.conns[:last] {
			c.Write(small[:reportSize])
		}
		b.update()
	})
}

// measure lets everything run and returns how many bytes a second of each transfer arrive.
func (w *wan) measure(from, until time.Duration) (goodputs []float64) {
	w.run(from)
	for _, b := range w.bulks {
		b.before = b.read
	}
	w.run(until)
	for _, b := range w.bulks {
		goodputs = append(goodputs, float64(b.read-b.before)/(until-from).Seconds())
	}
	return goodputs
}
