package engine

// turns holds Conns in the order in which they came. It is a ring, so that a
// Conn that comes and goes with every packet allocates nothing; it holds as
// many as were ever in it at once, at most all Conns of the Engine.
type turns struct {
	ring  []*Conn
	first int // index of the Conn whose turn it is
	count int
}

func (t *turns) push(c *Conn) {
	if t.count == len(t.ring) {
		t.grow()
	}
	t.ring[(t.first+t.count)%len(t.ring)] = c
	t.count++
}

// pop takes the Conn whose turn it is, nil if there is none.
func (t *turns) pop() *Conn {
	if t.count == 0 {
		return nil
	}
	c := t.ring[t.first]
	t.ring[t.first] = nil
	t.first = (t.first + 1) % len(t.ring)
	t.count--
	return c
}

func (t *turns) grow() {
	ring := make([]*Conn, max(2*len(t.ring), 4))
	n := copy(ring, t.ring[t.first:])
	copy(ring[n:], t.ring[:t.first])
	t.ring, t.first = ring, 0
}
