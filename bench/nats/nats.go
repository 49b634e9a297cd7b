// Package nats runs NATS servers that speak MQTT, alone or as a cluster, without an installation.
package nats

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Version is what the server calls itself.
const Version = server.VERSION

// HostsEach is how many addresses a server needs: for its own protocol, the cluster's, and MQTT.
const HostsEach = 3

// Run runs a server with a configuration file until it ends.
func Run(file string) error {
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

// A Node is one server: where it listens for MQTT, and its configuration file.
type Node struct{ MQTT, File string }

// Configure writes the configurations of one server, or of several that are a cluster, to dir, with default settings. It uses up hosts,
// of which each needs HostsEach.
func Configure(dir string, hosts []string) ([]Node, error) {
	n := len(hosts) / HostsEach
	clients, routes, mqtt := hosts[:n], hosts[n:2*n], hosts[2*n:]
	nodes := make([]Node, n)
	for i := range nodes {
		lines := []string{fmt.Sprintf("server_name: node%d", i+1), "listen: " + clients[i], "mqtt { listen: " + mqtt[i] + " }",
			fmt.Sprintf("jetstream { store_dir: %q }", filepath.Join(dir, fmt.Sprint("store", i+1)))}
		if n > 1 {
			lines = append(lines, fmt.Sprintf("cluster { name: bench, listen: %q, routes: [ nats://%s ] }", routes[i], strings.Join(routes, ", nats://")))
		}
		nodes[i] = Node{MQTT: mqtt[i], File: filepath.Join(dir, fmt.Sprintf("node%d.conf", i+1))}
		if err := os.WriteFile(nodes[i].File, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}
