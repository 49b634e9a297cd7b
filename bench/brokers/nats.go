package main

import (
	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
	"github.com/mqtt-e2e/mqtte2e/bench/nats"
)

// prepareNATS prepares one server, or several as a cluster, of which the dialer uses the first and the listener the second.
func prepareNATS(dir string, servers int) (*broker, error) {
	hosts, err := loopback.Free(nats.HostsEach * servers)
	if err != nil {
		return nil, err
	}
	nodes, err := nats.Configure(dir, hosts)
	if err != nil {
		return nil, err
	}
	b := &broker{version: nats.Version, ways: []way{{dialer: "mqtt://" + nodes[0].MQTT, listener: "mqtt://" + nodes[min(1, servers-1)].MQTT}}}
	for _, n := range nodes {
		arguments, environment, err := self(natsRole, n.File)
		if err != nil {
			return nil, err
		}
		b.addNode(dir, []string{n.MQTT}, arguments...).environment = environment
	}
	return b, nil
}
