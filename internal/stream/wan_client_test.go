package stream

import "time"

// turnSize is what a stream sends in its turn (engine's), bytes.
const turnSize = 2 << 10

// client is one program of ours: its streams, the queue of those that have something to send, and the
// writer with its batch. It does what engine (Fill, queue) and link (Batch, outbound, tuneSocket) do, and whoever
// changes these changes it.
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
	owes             int // bytes beyond its turns
	deadline         time.Time
	room             []byte
}

func newClient(n *network, to *tcp, conns int, config Config) *client {
	c := &client{net: n}
	n.actors = append(n.actors, c)
	for id := range conns {
		c.conns = append(c.conns, &wanConn{Stream: New(withSealer(config), n.clock()), id: id, room: make([]byte, config.MaxPacket)})
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
	if _, err := conn.Receive(c.net.clock(), m.number, append(block.Bytes()[:0], m.packet...), block); err != nil {
		panic(err)
	}
	c.net.packets = append(c.net.packets, m.packet)
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
	p := conn.Pending(c.net.clock())
	conn.deadline = conn.Deadline() // after Pending, which finds out whether a packet has to wait for its time
	switch {
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
		for conn.owes > 0 && c.data.len() > 0 {
			conn.owes -= turnSize
			c.data.push(conn)
			conn = c.data.pop()
		}
		if c.data.len() == 0 {
			conn.owes = 0
		}
		conn.inData = false
	}
	return conn
}

func (c *client) build(conn *wanConn) {
	packet := next(conn.Stream, c.net.clock(), conn.number, conn.room)
	if len(packet) > 0 {
		c.to.add(message{conn.id, conn.number, append(c.net.packet(), packet...)})
		conn.number++
		conn.owes = max(conn.owes+len(packet)-turnSize, 0)
	}
	c.schedule(conn)
}
