package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/bench/certificate"
	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

func prepareMosquitto(dir string) (*broker, error) {
	program, err := find("mosquitto", "/usr/sbin/mosquitto")
	if err != nil {
		return nil, err
	}
	hosts, err := loopback.Free(3)
	if err != nil {
		return nil, err
	}
	configs, err := certificate.Make(dir)
	if err != nil {
		return nil, err
	}
	roots := filepath.Join(dir, certificate.File)
	lines := []string{"allow_anonymous true",
		"listener " + loopback.Port(hosts[0]) + " 127.0.0.1",
		"listener " + loopback.Port(hosts[1]) + " 127.0.0.1", "certfile " + roots, "keyfile " + filepath.Join(dir, certificate.KeyFile),
		"listener " + loopback.Port(hosts[2]) + " 127.0.0.1", "socket_domain ipv4", "protocol websockets"} // without the domain 2.0.11 listens on all interfaces
	if os.Geteuid() == 0 {
		lines = append(lines, "user root") // else it gives root up and cannot read its key
	}
	file := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	secured := over("TLS", "mqtts://"+hosts[1])
	secured.tls, secured.roots = configs.Client, roots
	b := &broker{version: mosquittoVersion(program), ways: []way{over("TCP", "mqtt://"+hosts[0]), secured, over("WebSocket", "ws://"+hosts[2]+"/mqtt")}}
	b.addNode(dir, hosts, program, "-c", file)
	return b, nil
}

func mosquittoVersion(program string) string {
	help, _ := exec.Command(program, "-h").Output() // exits with 3
	first, _, _ := strings.Cut(string(help), "\n")
	return strings.TrimPrefix(first, "mosquitto version ")
}
