package stream

import "time"

const (
	// mqttHeader is what surrounds a message in MQTT: type, length, and a topic of 22 bytes.
	mqttHeader = 28
	// batchSize is from how many bytes on the link's batch takes no further packet (link.Batch).
	batchSize = 64 << 10
	// notSent is the link's TCP_NOTSENT_LOWAT, bytes (link.notSentLimit).
	notSent = 256 << 10
	// brokerQueue is how many messages Mosquitto queues for a subscriber before it drops.
	brokerQueue = 1000
)

// message is one MQTT message.
type message struct {
	conn   int
	number uint64
	packet []byte
}

func (m *message) size() int { return len(m.packet) + simOverhead + mqttHeader }

// A carrier takes messages over a TCP connection, one way. What it was given and the socket has not taken
// yet, backlog, is what a blocking write to the socket holds.
type carrier struct {
	tcp     *tcp
	backlog int
	offered int64
	under   fifo[carried]
	deliver func(message)
}

// carried is a message that is complete when so many bytes have arrived.
type carried struct {
	end int64
	message
}

func newCarrier(t *tcp, deliver func(message)) *carrier {
	c := &carrier{tcp: t, deliver: deliver}
	t.arrived = func(total int64) {
		for c.under.len() > 0 && c.under.at(0).end <= total {
			deliver(c.under.pop().message)
		}
	}
	return c
}

func (c *carrier) add(m message) {
	c.offered += int64(m.size())
	c.backlog += m.size()
	c.under.push(carried{c.offered, m})
}

// flush reports whether the socket took everything.
func (c *carrier) flush() bool {
	for c.backlog > 0 {
		n := min(c.tcp.room(), c.backlog)
		if n == 0 {
			return false
		}
		c.backlog -= n
		c.tcp.write(n)
	}
	return true
}

// subscriber is what a broker knows of one: a queue of messages, and a socket.
type subscriber struct {
	to      *carrier
	queue   fifo[message]
	dropped int
}

func newSubscriber(to *carrier) *subscriber {
	s := &subscriber{to: to}
	to.tcp.freed = s.write
	return s
}

func (s *subscriber) publish(m message) {
	if s.queue.len() >= brokerQueue {
		s.dropped++
		return
	}
	s.queue.push(m)
	s.write()
}

func (s *subscriber) write() {
	for s.to.flush() && s.queue.len() > 0 {
		s.to.add(s.queue.pop())
	}
}

// client is one program of ours: its streams, the queue of those that have something to send, and the
// writer with its batch. It does what engine and link do.
type client struct {
	net          *network
	to           *carrier
	conns        []*wanConn
	urgent, data fifo[*wanConn]
	app          func() // reads and writes; called whenever something has arrived or was acknowledged
}

// wanConn is one stream of a client.
type wanConn struct {
	*Stream
	id               int
	number           uint64
	inUrgent, inData bool
	deadline         time.Time
	room             []byte
}

func newClient(n *network, to *tcp, conns int, config Config) *client {
	c := &client{net: n}
	n.actors = append(n.actors, c)
	for id := range conns {
		c.conns = append(c.conns, &wanConn{Stream: New(config, n.clock()), id: id, room: make([]byte, config.MaxPacket)})
	}
	to.lowat = func() int { return notSent }
	to.freed = c.write
	return c
}

// next implements actor.
func (c *client) next() time.Duration {
	at := never
	for _, conn := range c.conns {
		if !conn.deadline.IsZero() {
			at = min(at, conn.deadline.Sub(time.Unix(1e9, 0)))
		}
	}
	return at
}

func (c *client) act() {
	for _, conn := range c.conns {
		if !conn.deadline.IsZero() && !conn.deadline.After(c.net.clock()) {
			conn.Expire(c.net.clock())
		}
	}
	c.update()
}

// receive takes in a message of the broker.
func (c *client) receive(m message) {
	conn := c.conns[m.conn]
	block := conn.config.Blocks.For(len(m.packet))
	if err := conn.Receive(c.net.clock(), m.number, append(block.Bytes()[:0], m.packet...), block); err != nil {
		panic(err)
	}
	recycle(m.packet)
	c.update()
}

// update lets the application and the writer do what they can.
func (c *client) update() {
	c.app()
	for _, conn := range c.conns {
		c.schedule(conn)
	}
	c.write()
}

// schedule queues a stream for the writer, and takes its next deadline.
func (c *client) schedule(conn *wanConn) {
	conn.deadline = conn.Deadline()
	switch p := conn.Pending(c.net.clock()); {
	case p == Urgent && !conn.inUrgent:
		conn.inUrgent = true
		c.urgent.push(conn)
	case p == Data && !conn.inData && !conn.inUrgent:
		conn.inData = true
		c.data.push(conn)
	}
}

// write fills batches while the socket takes them.
func (c *client) write() {
	for c.to.flush() {
		for c.to.backlog < batchSize {
			conn := c.turn()
			if conn == nil {
				break
			}
			c.build(conn)
		}
		if c.to.backlog == 0 {
			return
		}
	}
}

func (c *client) turn() (conn *wanConn) {
	switch {
	case c.urgent.len() > 0:
		conn = c.urgent.pop()
		conn.inUrgent = false
	case c.data.len() > 0:
		conn = c.data.pop()
		conn.inData = false
	}
	return conn
}

func (c *client) build(conn *wanConn) {
	packet := conn.Next(c.net.clock(), conn.number, conn.room)
	if len(packet) > 0 {
		c.to.add(message{conn.id, conn.number, append(recycled(), packet...)})
		conn.number++
	}
	conn.Sealed()
	c.schedule(conn)
}
