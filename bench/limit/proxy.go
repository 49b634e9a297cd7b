package limit

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// Proxy limits the clients of a broker. Its fields are set before Serve.
type Proxy struct {
	Rules
	Broker string        // host:port
	Delay  time.Duration // of every packet, each way

	disconnects, discarded, refused atomic.Int64
}

// Report is what became of the clients.
type Report struct {
	Disconnects int64 // of clients that broke a rule, but for those at the end of a Session
	Discarded   int64 // messages
	Refused     int64 // subscriptions
}

// Report returns what became of the clients so far.
func (p *Proxy) Report() Report {
	return Report{Disconnects: p.disconnects.Load(), Discarded: p.discarded.Load(), Refused: p.refused.Load()}
}

// Serve serves the clients that come to l until that is closed.
func (p *Proxy) Serve(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

// errBroken is why a client is disconnected that broke a rule.
var errBroken = errors.New("the client did what it may not")

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	broker, err := net.Dial("tcp", p.Broker)
	if err != nil {
		return
	}
	defer broker.Close()
	s := newSession(p, client)
	ended := make(chan error, 4)
	go func() { ended <- s.read(client) }()
	go func() { ended <- s.up(broker) }()
	go func() { ended <- s.down(broker) }()
	go func() { ended <- s.write(client) }()
	if <-ended == errBroken {
		p.disconnects.Add(1)
	}
	close(s.over)
}
