package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// severalRows have several bulk streams at once: of one Endpoint, or each of its own at both ends.
func severalRows() (rows []*wanRow) {
	kinds := []struct{ way, name string }{{"conn", "%d Conns of one Endpoint, %s"}, {"apart", "%d Conns of different Endpoints, %s"}}
	for _, kind := range kinds {
		for _, rate := range []float64{10, 50} {
			l := link(rate, 25*time.Millisecond)
			for _, n := range []int{2, 4, 8} {
				name := fmt.Sprintf(kind.name, n, evenName(rate, l.Delay))
				rows = append(rows, &wanRow{name: name, a: l, b: l,
					run: func(t *bed, m *wanRound) error { return together(t, m, name, kind.way, n) },
					promises: []promise{
						{what: name + ": sum against TCP straight", key: name + sumKey, against: name + tcpKey, bound: 0.9},
						{what: name + ": slowest against fastest", key: name + fairnessKey, bound: 0.5},
					}})
			}
		}
	}
	return rows
}

// Keys of rows with several streams, behind their names.
const (
	sumKey      = ", sum of the Conns"
	fairnessKey = ", slowest Conn against fastest"
)

func together(t *bed, m *wanRound, name, way string, n int) error {
	if err := t.bulk(m, name+tcpKey, straight()); err != nil {
		return err
	}
	t.settle()
	o, err := t.measure(throughBroker(way), n, false, m.length)
	if err != nil {
		return err
	}
	sum, fairness := o.goodputs()
	m.add(name+sumKey, megabytes, sum)
	m.add(name+fairnessKey, "", fairness)
	return nil
}

// bulk measures one bulk stream with nothing beside it.
func (t *bed) bulk(m *wanRound, key string, p pair) error {
	o, err := t.measure(p, 1, false, m.length)
	if err != nil {
		return err
	}
	m.add(key, megabytes, o.goodput(0))
	return nil
}

// besideRows share the links with a TCP transfer.
func besideRows() (rows []*wanRow) {
	for _, rate := range []float64{10, 50} {
		l := link(rate, 25*time.Millisecond)
		name := "beside a TCP transfer, " + evenName(rate, l.Delay)
		share := promise{what: name + ": share of what TCP moves alone", key: name + connKey, against: name + tcpKey, bound: 0.3, upTo: 0.7}
		rows = append(rows, &wanRow{name: name, a: l, b: l, promises: []promise{share},
			run: func(t *bed, m *wanRound) error { return beside(t, m, name) }})
	}
	return rows
}

func beside(t *bed, m *wanRound, name string) error {
	if err := t.bulk(m, name+tcpKey, straight()); err != nil {
		return err
	}
	t.settle()
	var both sync.WaitGroup
	var tcpErr, connErr error
	both.Go(func() { tcpErr = t.bulk(m, name+", TCP beside the Conn", straight()) })
	both.Go(func() { connErr = t.bulk(m, name+connKey, throughBroker("conn")) })
	both.Wait()
	return errors.Join(tcpErr, connErr)
}

// firstLength is what a new stream has to deliver where its start is measured, in bytes.
const firstLength = 1 << 20

// firstPatience is how long it may take.
const firstPatience = 10 * time.Second

// firstRows measure how soon a new stream has delivered something.
func firstRows() []*wanRow {
	l := link(50, 50*time.Millisecond)
	name := "first 1 MiB, " + evenName(l.Rate, l.Delay)
	return []*wanRow{{name: name, a: l, b: l,
		run: func(t *bed, m *wanRound) error { return first(t, m, name) },
		promises: []promise{
			{what: name + ": from a Conn made, against TCP with its handshake", key: name + connKey, against: name + tcpKey, bound: 1.5, atMost: true},
		}}}
}

func first(t *bed, m *wanRound, name string) error {
	tcp, err := t.measure(straight(), 1, false, firstPatience)
	if err != nil {
		return err
	}
	t.settle()
	conn, err := t.measure(throughBroker("conn"), 1, false, firstPatience)
	if err != nil {
		return err
	}
	if err := addFirst(m, name+tcpKey, tcp, tcp.Dialling); err != nil {
		return err
	}
	return addFirst(m, name+connKey, conn, conn.Dialled)
}

// addFirst adds how long after from the first bytes were there.
func addFirst(m *wanRound, key string, o *outcome, from time.Time) error {
	at, ok := o.delivered(0, firstLength)
	if !ok {
		return fmt.Errorf("less than %d bytes arrived in %v", firstLength, o.length)
	}
	m.add(key, millis, inMillis(at.Sub(from)))
	return nil
}
