package main

import (
	"context"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// Keys of dials.
const (
	aliveDialKey      = "dial of a new Endpoint, both brokers alive"
	deadDialKey       = "the same, longer when the first is dead"
	frozenDialKey     = "the same, longer when the first is frozen"
	aliveWarmDialKey  = "dial of an Endpoint that is connected, both brokers alive"
	deadWarmDialKey   = "the same, longer when the first has just been killed"
	frozenWarmDialKey = "the same, longer when the first has just been frozen"
)

// dialsEach is how many dials of each kind there are in a round, whose median counts.
const dialsEach = 9

// dialPlan measures dials while the first of two brokers is well, frozen, and dead.
func (p *place) dialPlan() []measurement {
	return []measurement{
		{aliveDialKey, func(ctx context.Context, add func(string, string, float64)) error {
			return p.dialsOfNew(ctx, add)
		}},
		{aliveWarmDialKey, func(ctx context.Context, add func(string, string, float64)) error {
			if err := p.dialsOfConnected(ctx, aliveWarmDialKey, deadWarmDialKey, p.kill(0), add); err != nil {
				return err
			}
			if err := p.restart(0); err != nil {
				return err
			}
			return p.dialsOfConnected(ctx, "", frozenWarmDialKey, p.freeze(0), add)
		}},
	}
}

func (p *place) dialsOfNew(ctx context.Context, add func(string, string, float64)) error {
	m, err := meet(ctx, p.hosts[:2], p.hosts[:2])
	if err != nil {
		return err
	}
	defer m.close()
	key := m.dialer.Config.Key
	newDial := func() (time.Duration, error) {
		e := &mqtte2e.Endpoint{Broker: addressOf(p.hosts[:2]), Config: &mqtte2e.Config{Key: key}}
		defer e.Close()
		return m.dialOnce(ctx, e)
	}
	alive, err := medianOf(newDial)
	if err != nil {
		return err
	}
	if err := p.freeze(0)(); err != nil {
		return err
	}
	frozen, err := medianOf(newDial)
	if err != nil {
		return err
	}
	p.brokers[0].stop()
	dead, err := medianOf(newDial)
	add(aliveDialKey, millis, alive)
	add(deadDialKey, millis, dead-alive)
	add(frozenDialKey, millis, frozen-alive)
	return err
}

// dialsOfConnected measures the dials of an Endpoint before and just after something happens to the first broker: the second kind
// only once, as it may know of it later.
func (p *place) dialsOfConnected(ctx context.Context, aliveKey, key string, happen func() error, add func(string, string, float64)) error {
	m, err := meet(ctx, p.hosts[:2], p.hosts[:2])
	if err != nil {
		return err
	}
	defer m.close()
	alive, err := medianOf(func() (time.Duration, error) { return m.dialOnce(ctx, m.dialer) })
	if err != nil {
		return err
	}
	if err := happen(); err != nil {
		return err
	}
	elapsed, err := m.dialOnce(ctx, m.dialer)
	if aliveKey != "" {
		add(aliveKey, millis, alive)
	}
	add(key, millis, inMillis(elapsed)-alive)
	return err
}

// dialOnce dials, and says a byte over the Conn: only what works counts.
func (m *meeting) dialOnce(ctx context.Context, e *mqtte2e.Endpoint) (time.Duration, error) {
	start := time.Now()
	near, err := e.Dial(ctx, "bench")
	elapsed := time.Since(start)
	if err != nil {
		return 0, err
	}
	defer near.Close()
	far, err := m.listener.Accept()
	if err != nil {
		return 0, err
	}
	defer far.Close()
	_, err = transfer(near, far, 1, 1)
	return elapsed, err
}

// medianOf measures often enough, and returns the median in milliseconds.
func medianOf(once func() (time.Duration, error)) (float64, error) {
	var all []float64
	for range dialsEach {
		elapsed, err := once()
		if err != nil {
			return 0, err
		}
		all = append(all, inMillis(elapsed))
	}
	return median(all), nil
}
