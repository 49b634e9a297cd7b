package stream

const (
	// mqttHeader is what surrounds a message in MQTT: type, length, and a topic of 22 bytes.
	mqttHeader = 28
	// batchSize is from how many bytes on the link's batch takes no further packet (link.Batch).
	batchSize = 64 << 10
	// notSent is the link's TCP_NOTSENT_LOWAT, bytes (link.notSentLimit).
	notSent = 256 << 10
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
