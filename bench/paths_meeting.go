package main

import (
	"context"
	"fmt"
	"net"

	"github.com/mqtt-e2e/mqtte2e"
)

// meeting is ends that know several brokers, and are connected to all.
type meeting struct {
	*ends
	dialed, accepted *journal
}

// meet connects two Endpoints to all hosts of the address of each.
func meet(ctx context.Context, dialer, acceptor []string) (*meeting, error) {
	key := mqtte2e.NewKey()
	m := &meeting{ends: new(ends), dialed: newJournal(), accepted: newJournal()}
	m.dialer = &mqtte2e.Endpoint{Broker: addressOf(dialer), Config: &mqtte2e.Config{Key: key, Logger: m.dialed.logger()}}
	m.acceptor = &mqtte2e.Endpoint{Broker: addressOf(acceptor), Config: &mqtte2e.Config{Key: key, Logger: m.accepted.logger()}}
	if err := m.begin(ctx, len(dialer), len(acceptor)); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// begin listens, and makes a Conn that nobody uses, so that both ends connect to all brokers.
func (m *meeting) begin(ctx context.Context, dialers, acceptors int) (err error) {
	if m.listener, err = m.acceptor.Listen(ctx, "bench"); err != nil {
		return err
	}
	if err := m.accepted.awaitConnected(ctx, acceptors); err != nil {
		return err
	}
	near, far, err := m.connect(ctx)
	if err != nil {
		return err
	}
	near.Close()
	far.Close()
	return m.dialed.awaitConnected(ctx, dialers)
}

// course is a Conn whose data go one way.
type course struct {
	from, to net.Conn
	meeting  *meeting
}

// course makes a Conn, over which the listener sends if back is set.
func (m *meeting) course(ctx context.Context, back bool) (course, error) {
	near, far, err := m.connect(ctx)
	if back {
		near, far = far, near
	}
	return course{near, far, m}, err
}

// moves is how often both ends moved.
func (c course) moves() uint64 {
	return c.from.(*mqtte2e.Conn).Stats().Moves + c.to.(*mqtte2e.Conn).Stats().Moves
}

// story says how both ends fared, for whoever watches the run.
func (c course) story() string {
	from, to := c.from.(*mqtte2e.Conn).Stats(), c.to.(*mqtte2e.Conn).Stats()
	return fmt.Sprintf("sender moved %d times, receiver %d; dialers: %v, listener's Conns: %v; %d of %d packets retransmitted, %d twice at the receiver",
		from.Moves, to.Moves, c.meeting.dialed.moved(), c.meeting.accepted.moved(), from.Retransmitted, from.PacketsSent, to.Duplicates)
}
