package simtest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Lines makes connections that a test can break. Its DialContext is meant for the DialContext of a Config. The zero Lines is
// ready to use.
type Lines struct {
	// Dial makes the connections. nil: net.Dialer does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	lines map[*line]struct{} // those that were not closed at this end
}

// DialContext makes a connection.
func (l *Lines) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dial := l.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil {
		l.lines = make(map[*line]struct{})
	}
	added := &line{Conn: conn, lines: l}
	l.lines[added] = struct{}{}
	return added, nil
}

// Open returns how many of the connections are open at this end.
func (l *Lines) Open() int { return len(l.all()) }

// Cut closes all connections, as the end of a process or a reset does, and returns how many there were. New ones can be made
// at once.
func (l *Lines) Cut() int {
	lines := l.all()
	for _, line := range lines {
		line.Conn.Close()
	}
	return len(lines)
}

// SwallowOut makes everything that is written to the present connections vanish, without an error.
func (l *Lines) SwallowOut() {
	for _, line := range l.all() {
		line.swallowOut.Store(true)
	}
}

// SwallowIn makes everything that comes on the present connections vanish.
func (l *Lines) SwallowIn() {
	for _, line := range l.all() {
		line.swallowIn.Store(true)
	}
}

func (l *Lines) all() []*line {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*line, 0, len(l.lines))
	for line := range l.lines {
		list = append(list, line)
	}
	return list
}

// line is one connection.
type line struct {
	net.Conn
	lines                 *Lines
	swallowIn, swallowOut atomic.Bool
}

func (c *line) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.swallowIn.Load() {
			return n, err
		}
	}
}

func (c *line) Write(p []byte) (int, error) {
	if c.swallowOut.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *line) Close() error {
	c.lines.mu.Lock()
	delete(c.lines.lines, c)
	c.lines.mu.Unlock()
	return c.Conn.Close()
}
