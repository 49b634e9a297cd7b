package main

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// several is how many Conns share a link in the measurement of fairness.
const several = 8

// severalPlan measures one Conn against several over the same two connections to the broker, which move as much together.
func (b *broker) severalPlan(length int64) []measurement {
	return []measurement{{"eight Conns", func(ctx context.Context, add func(string, string, float64)) error {
		e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
		if err != nil {
			return err
		}
		defer e.close()
		one, err := e.transferAll(ctx, 1, length)
		if err != nil {
			return err
		}
		all, err := e.transferAll(ctx, several, length/several)
		if err != nil {
			return err
		}
		first, last := slices.Min(all), slices.Max(all)
		add("one Conn", megabytes, float64(length)/1e6/one[0].Seconds())
		add("eight Conns, sum", megabytes, float64(length)/1e6/last.Seconds())
		add("eight Conns, slowest against fastest", "", first.Seconds()/last.Seconds())
		return nil
	}}}
}

// transferAll makes so many Conns, moves length bytes over each of them at once, and returns how long each of them took.
func (e *ends) transferAll(ctx context.Context, conns int, length int64) ([]time.Duration, error) {
	near, far := make([]net.Conn, conns), make([]net.Conn, conns)
	for i := range conns {
		var err error
		if near[i], far[i], err = e.connect(ctx); err != nil {
			return nil, err
		}
		defer near[i].Close()
		defer far[i].Close()
	}
	elapsed, errs := make([]time.Duration, conns), make([]error, conns)
	var all sync.WaitGroup
	for i := range conns {
		all.Go(func() { elapsed[i], errs[i] = transfer(near[i], far[i], writeSize, length) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return elapsed, nil
}
