package main

import (
	"errors"
	"sync/atomic"
	"time"
)

const (
	// holeAfter is how long data flows before the black hole.
	holeAfter = 8 * time.Second

	// holeLength is how long nothing passes the link.
	holeLength = time.Minute

	// holePatience is how long data may take to flow again.
	holePatience = 30 * time.Second
)

// holeRows lose everything on one link for a while.
func holeRows() (rows []*wanRow) {
	l := link(10, 25*time.Millisecond)
	for _, end := range []struct {
		name string
		dead func(t *bed) *atomic.Bool
	}{
		{"black hole of 60 s on the sender's link", func(t *bed) *atomic.Bool { return &t.DeadA }},
		{"black hole of 60 s on the receiver's link", func(t *bed) *atomic.Bool { return &t.DeadB }},
	} {
		name := end.name + ", " + evenName(l.Rate, l.Delay)
		roundTrip := 4 * l.Delay
		rows = append(rows, &wanRow{name: name, a: l, b: l,
			run: func(t *bed, m *wanRound) error { return hole(t, m, name+holeKey, end.dead(t)) },
			promises: []promise{
				{what: name + ": end to data flowing", key: name + holeKey, bound: inMillis(roundTrip) + 500, atMost: true},
			}})
	}
	return rows
}

// holeKey is the key of its row's result, behind the name.
const holeKey = ", data flows after"

func hole(t *bed, m *wanRound, key string, dead *atomic.Bool) error {
	ended := make(chan time.Time, 1)
	go func() {
		time.Sleep(holeAfter)
		dead.Store(true)
		time.Sleep(holeLength)
		dead.Store(false)
		ended <- time.Now()
	}()
	o, err := t.measure(throughBroker("conn"), 1, false, holeAfter+holeLength+holePatience)
	if err != nil {
		return err
	}
	back := <-ended
	if o.Start.After(back.Add(-holeLength)) {
		return errors.New("the Conn was not made before the black hole")
	}
	for _, s := range o.Arrived[0] {
		if at := time.Unix(0, s.At); at.After(back) {
			m.add(key, millis, inMillis(at.Sub(back)))
			return nil
		}
	}
	m.add(key, millis, inMillis(holePatience)) // it took longer
	return nil
}
