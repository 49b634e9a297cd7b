package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

const (
	// restartTime is for how long brokers are restarted in turn, one each restartPause.
	restartTime  = time.Minute
	restartPause = 5 * time.Second

	// restartLength is what the transfer meanwhile moves, in bytes, evenly.
	restartLength = 2e9
)

func restartKey(brokers int) string {
	return fmt.Sprintf("%d brokers restarted in turn, longest gap", brokers)
}

// restartPlan kills brokers in turn, and starts each again at once, while a transfer goes on.
func (p *place) restartPlan() []measurement {
	var list []measurement
	for n := 2; n <= mostBrokers; n++ {
		list = append(list, measurement{restartKey(n), func(ctx context.Context, add func(string, string, float64)) error {
			m, err := meet(ctx, p.hosts[:n], p.hosts[:n])
			if err != nil {
				return err
			}
			defer m.close()
			c, err := m.course(ctx, p.back())
			if err != nil {
				return err
			}
			gap, err := p.restartDuring(ctx, c, n)
			p.say("  %s", c.story())
			if err == nil {
				add(restartKey(n), millis, inMillis(gap))
			}
			return err
		}})
	}
	return list
}

// restartDuring returns the longest gap between two reads.
func (p *place) restartDuring(ctx context.Context, c course, brokers int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	restarted := make(chan error, 1)
	go func() { restarted <- p.restartInTurn(ctx, brokers) }()
	w := newWatched(patient{c.to}, restartLength)
	w.struck.Store(true)
	_, err := transfer(&paced{Conn: patient{c.from}, start: time.Now()}, w, writeSize, restartLength)
	cancel()
	if failed := <-restarted; err == nil {
		err = failed
	}
	return w.gap, err
}

func (p *place) restartInTurn(ctx context.Context, brokers int) error {
	tick := time.NewTicker(restartPause)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := p.restart(i % brokers); err != nil {
			return err
		}
	}
}

// patient has deadlines that allow for a transfer that takes restartTime.
type patient struct{ net.Conn }

func (c patient) SetDeadline(t time.Time) error { return c.Conn.SetDeadline(t.Add(restartTime)) }

// paced sends restartLength in restartTime, evenly.
type paced struct {
	net.Conn
	start time.Time
	sent  int64
}

func (c *paced) Write(p []byte) (int, error) {
	due := c.start.Add(time.Duration(float64(c.sent) / restartLength * float64(restartTime)))
	time.Sleep(time.Until(due))
	n, err := c.Conn.Write(p)
	c.sent += int64(n)
	return n, err
}
