package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	manyKey = "1,000 Conns echo again after their broker was killed"

	// many is how many Conns lose their broker at once.
	many = 1000
)

// manyPlan kills the broker that very many Conns use.
func (p *place) manyPlan() []measurement {
	return []measurement{{manyKey, func(ctx context.Context, add func(string, string, float64)) error {
		m, err := meet(ctx, p.hosts[:2], p.hosts[:2])
		if err != nil {
			return err
		}
		defer m.close()
		courses := make([]course, many)
		for i := range courses {
			if courses[i], err = m.course(ctx, false); err != nil {
				return err
			}
			go echo(courses[i].to, echoSize)
		}
		if err := eachEchoes(courses); err != nil {
			return err
		}
		start := time.Now()
		p.brokers[0].stop()
		err = eachEchoes(courses)
		add(manyKey, millis, inMillis(time.Since(start)))
		if err != nil {
			return err
		}
		return eachMoved(courses)
	}}}
}

// eachEchoes lets each of them echo something, and waits until all have.
func eachEchoes(courses []course) error {
	errs := make(chan error, len(courses))
	var all sync.WaitGroup
	for _, c := range courses {
		all.Go(func() {
			if err := echoOnce(c.from); err != nil {
				errs <- err
			}
		})
	}
	all.Wait()
	close(errs)
	if first := <-errs; first != nil {
		return fmt.Errorf("%d of %d Conns are lost: %w", len(errs)+1, len(courses), first)
	}
	return nil
}

func echoOnce(conn net.Conn) error {
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(make([]byte, echoSize)); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, echoSize))
	return err
}

func eachMoved(courses []course) error {
	for _, c := range courses {
		if c.moves() == 0 {
			return fmt.Errorf("a Conn did not move: another broker was in use")
		}
	}
	return nil
}
