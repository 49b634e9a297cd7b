package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

// rabbitMQ is where Debian has the script that does not change the user.
const rabbitMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// prepareRabbitMQ prepares a node of its own, with a port mapper of its own, which Erlang would leave behind.
func prepareRabbitMQ(dir string) (*broker, error) {
	program, err := find(rabbitMQ)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq-server %w", errMissing)
	}
	mapper, err := find("epmd")
	if err != nil {
		return nil, err
	}
	hosts, err := loopback.Free(5)
	if err != nil {
		return nil, err
	}
	tcp, webSocket, amqp, distribution, epmd := hosts[0], hosts[1], hosts[2], hosts[3], hosts[4]
	files := map[string]string{
		"rabbitmq.conf": fmt.Sprintf("listeners.tcp.1 = %s\nmqtt.listeners.tcp.1 = %s\nweb_mqtt.tcp.ip = 127.0.0.1\nweb_mqtt.tcp.port = %s\n",
			amqp, tcp, loopback.Port(webSocket)),
		"enabled_plugins": "[rabbitmq_mqtt,rabbitmq_web_mqtt].\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	b := &broker{version: debianVersion("rabbitmq-server"), ways: []way{over("TCP", "mqtt://"+tcp), over("WebSocket", "ws://"+webSocket+"/ws")}}
	b.helpers = []*process{{arguments: []string{mapper, "-address", "127.0.0.1", "-port", loopback.Port(epmd)}, listens: []string{epmd}, log: filepath.Join(dir, "epmd.log")}}
	b.addNode(dir, []string{tcp, webSocket}, program).environment = []string{
		"HOME=" + dir, // for the cookie
		"RUNNING_UNDER_SYSTEMD=1",
		"RABBITMQ_NODENAME=bench@localhost",
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "enabled_plugins"),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "mnesia"),
		"RABBITMQ_PID_FILE=" + filepath.Join(dir, "pid"),
		"RABBITMQ_LOG_BASE=" + dir,
		"RABBITMQ_LOGS=-",
		"RABBITMQ_DIST_PORT=" + loopback.Port(distribution),
		"ERL_EPMD_PORT=" + loopback.Port(epmd),
	}
	return b, nil
}

// debianVersion returns the version of an installed package, without what Debian adds.
func debianVersion(name string) string {
	text, _ := exec.Command("dpkg-query", "--show", "--showformat=${Version}", name).Output()
	version, _, _ := strings.Cut(string(text), "-")
	return version
}
