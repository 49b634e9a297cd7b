package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
	"github.com/mqtt-e2e/mqtte2e/bench/nats"
)

const (
	// clusterKey is how long data stands still when a node of a cluster is killed.
	clusterKey = "node of a NATS cluster killed, data stands still"

	// clusterNodes is how many nodes there are, all of them in the address.
	clusterNodes = 3

	// natsArgument makes this program a NATS server. Its configuration file follows.
	natsArgument = "nats-server"

	// sessionTimeout is how long a new cluster may take until it is of use.
	sessionTimeout = time.Minute
)

// clusterPlan kills the node that both ends use, under a transfer.
func (p *place) clusterPlan() []measurement {
	return []measurement{{clusterKey, func(ctx context.Context, add func(string, string, float64)) error {
		return p.untilInUse(func() error {
			c, err := p.startCluster(ctx)
			if err != nil {
				return err
			}
			defer c.stop()
			return p.measureStrike(ctx, clusterKey, c.hosts, c.hosts, strike{fail: c.killFirst}, add)
		})
	}}}
}

// cluster is NATS servers in processes of their own.
type cluster struct {
	dir   string
	hosts []string // for MQTT
	nodes []*exec.Cmd
}

// startCluster starts a new one, and waits until each node is of use.
func (p *place) startCluster(ctx context.Context) (*cluster, error) {
	dir, err := os.MkdirTemp(p.dir, "cluster")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	err = c.start()
	if err == nil {
		err = c.awaitSessions(ctx)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) start() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	hosts, err := loopback.Free(clusterNodes * nats.HostsEach)
	if err != nil {
		return err
	}
	nodes, err := nats.Configure(c.dir, hosts)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		process := exec.Command(program, natsArgument, n.File)
		if err := process.Start(); err != nil {
			return err
		}
		c.nodes = append(c.nodes, process)
		c.hosts = append(c.hosts, n.MQTT)
	}
	for _, host := range c.hosts {
		if err := loopback.Await(host, wireTimeout); err != nil {
			return err
		}
	}
	return nil
}

// awaitSessions waits until each node takes MQTT clients: before the nodes have agreed on who leads they hang up.
func (c *cluster) awaitSessions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, host := range c.hosts {
		for listens(ctx, host) != nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("the node at %s takes no clients: %w", host, ctx.Err())
			}
		}
	}
	return nil
}

// listens reports whether an Endpoint can listen at a broker.
func listens(ctx context.Context, host string) error {
	e := &mqtte2e.Endpoint{Broker: addressOf([]string{host}), Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer e.Close()
	_, err := e.Listen(ctx, "bench")
	return err
}

func (c *cluster) killFirst() error {
	c.nodes[0].Process.Kill()
	c.nodes[0].Wait()
	return nil
}

func (c *cluster) stop() {
	for _, n := range c.nodes {
		n.Process.Kill()
		n.Wait()
	}
	os.RemoveAll(c.dir)
}
