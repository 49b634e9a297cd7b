package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// steadyLength is what one transfer moves, in bytes, and steadyEchoes how many round trips there are, steadyTurns times in turn.
	steadyLength = 512 << 20
	steadyEchoes = 2000
	steadyTurns  = 3

	// idleConns is of how many Conns memory is measured.
	idleConns = 400
)

// Keys of what several brokers cost while all are well.
const (
	needlessKey    = "moves a minute without a failure"
	pathsMemoryKey = "memory of an idle Conn, three brokers"
)

func goodputKey(brokers int) string { return fmt.Sprintf("goodput, %s", numbered(brokers)) }
func roundTripKey(brokers int) string {
	return fmt.Sprintf("round trip, %s, median", numbered(brokers))
}

func numbered(brokers int) string {
	if brokers == 1 {
		return "one broker"
	}
	return fmt.Sprintf("%d brokers", brokers)
}

// steadyPlan measures what several brokers cost while all are well.
func (p *place) steadyPlan() []measurement {
	return []measurement{
		{"steady state", func(ctx context.Context, add func(string, string, float64)) error {
			s := steady{place: p, add: add}
			for turn := range steadyTurns {
				counts := []int{1, mostBrokers}
				if turn%2 == 1 {
					slices.Reverse(counts) // the machine may get slower or faster meanwhile
				}
				for _, n := range counts {
					if err := s.measure(ctx, n); err != nil {
						return err
					}
				}
			}
			add(needlessKey, "", float64(s.moves)/s.moving.Minutes())
			return nil
		}},
		{pathsMemoryKey, func(ctx context.Context, add func(string, string, float64)) error {
			m, err := meet(ctx, p.hosts, p.hosts)
			if err != nil {
				return err
			}
			defer m.close()
			bytes, err := m.idleMemory(ctx, idleConns)
			add(pathsMemoryKey, kibibytes, bytes/(1<<10))
			return err
		}},
	}
}

// steady is the measurement of a round.
type steady struct {
	place  *place
	add    func(key, unit string, value float64)
	moves  uint64
	moving time.Duration // how long transfers of several brokers took
}

func (s *steady) measure(ctx context.Context, brokers int) error {
	m, err := meet(ctx, s.place.hosts[:brokers], s.place.hosts[:brokers])
	if err != nil {
		return err
	}
	defer m.close()
	c, err := m.course(ctx, s.place.back())
	if err != nil {
		return err
	}
	elapsed, err := transfer(c.from, c.to, writeSize, steadyLength)
	if err != nil {
		return err
	}
	s.add(goodputKey(brokers), megabytes, steadyLength/1e6/elapsed.Seconds())
	if brokers > 1 {
		s.moves += c.moves()
		s.moving += elapsed
	}
	if c.moves() > 0 {
		s.place.say("  %s", c.story())
	}
	return s.echo(ctx, m, brokers)
}

func (s *steady) echo(ctx context.Context, m *meeting, brokers int) error {
	near, far, err := m.connect(ctx)
	if err != nil {
		return err
	}
	times, err := connEcho(near, far, make([]byte, echoSize), steadyEchoes)
	if err != nil {
		return err
	}
	slices.Sort(times)
	s.add(roundTripKey(brokers), micros, inMicros(times[len(times)/2]))
	return nil
}
