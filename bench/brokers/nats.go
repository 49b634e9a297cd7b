package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

func runNATS(file string) error {
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	options.NoSigs = true
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return nil
}

// prepareNATS prepares one server, or several as a cluster, of which the dialer uses the first and the listener the second.
func prepareNATS(dir string, nodes int) (*broker, error) {
	hosts, err := freeHosts(3 * nodes)
	if err != nil {
		return nil, err
	}
	clients, routes, mqtt := hosts[:nodes], hosts[nodes:2*nodes], hosts[2*nodes:]
	b := &broker{version: server.VERSION, ways: []way{{dialer: "mqtt://" + mqtt[0], listener: "mqtt://" + mqtt[min(1, nodes-1)]}}}
	for i := range nodes {
		lines := []string{fmt.Sprintf("server_name: node%d", i+1), "listen: " + clients[i], "mqtt { listen: " + mqtt[i] + " }",
			fmt.Sprintf("jetstream { store_dir: %q }", filepath.Join(dir, fmt.Sprint("store", i+1)))}
		if nodes > 1 {
			lines = append(lines, fmt.Sprintf("cluster { name: bench, listen: %q, routes: [ nats://%s ] }", routes[i], strings.Join(routes, ", nats://")))
		}
		file := filepath.Join(dir, fmt.Sprintf("node%d.conf", i+1))
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
		arguments, environment, err := self(natsRole, file)
		if err != nil {
			return nil, err
		}
		b.addNode(dir, mqtt[i:i+1], arguments...).environment = environment
	}
	return b, nil
}
