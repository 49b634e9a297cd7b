package main

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e/bench/certificate"
	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

// broker is what the clients are measured against: Mosquitto in processes of its own, or else the embedded broker in this one.
type broker struct {
	name  string            // for the report
	hosts map[string]string // host:port by scheme: mqtt, mqtts, ws, and mosquittoWS if there is Mosquitto
	tls   *tls.Config       // trusts the broker's certificate
	named string            // the URL of a broker that somebody else runs, instead of all above but name

	servers []server
}

// mosquittoWS stands for a scheme: WebSocket to Mosquitto, while ws is served by the embedded broker.
const mosquittoWS = "ws Mosquitto"

// server serves some of a broker's schemes.
type server interface {
	start() error
	stop()
}

func (b *broker) host(scheme string) string { return b.hosts[scheme] }

// address returns the URL of the broker.
func (b *broker) address(scheme string) string {
	if b.named != "" {
		return b.named
	}
	if scheme == "ws" || scheme == mosquittoWS {
		return "ws://" + b.hosts[scheme] + "/mqtt"
	}
	return scheme + "://" + b.hosts[scheme]
}

// startBroker starts Mosquitto with its default settings, or the embedded broker if there is none. Files go to dir.
func startBroker(dir string) (*broker, error) {
	b := &broker{hosts: make(map[string]string)}
	schemes := []string{"mqtt", "mqtts", "ws"}
	program, err := findMosquitto()
	if err == nil {
		schemes = append(schemes, mosquittoWS)
	}
	hosts, err := loopback.Free(len(schemes))
	if err != nil {
		return nil, err
	}
	for i, scheme := range schemes {
		b.hosts[scheme] = hosts[i]
	}
	configs, err := certificate.Make(dir)
	if err != nil {
		return nil, err
	}
	b.tls = configs.Client
	if program != "" {
		b.name = mosquittoVersion(program) + "; WebSocket where nothing else is said: the embedded broker, in the process of the clients"
		b.servers = mosquittoServers(program, dir, b)
	} else {
		b.name = "the embedded broker, in the process of the clients (mosquitto is not installed)"
		b.servers = []server{&embedded{hosts: b.hosts, tls: configs.Server}}
	}
	if err := b.start(); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// start starts all servers and waits until they take connections.
func (b *broker) start() error {
	for _, s := range b.servers {
		if err := s.start(); err != nil {
			return err
		}
	}
	for _, host := range b.hosts {
		if err := loopback.Await(host, wireTimeout); err != nil {
			return err
		}
	}
	return nil
}

func (b *broker) stop() {
	for _, s := range b.servers {
		s.stop()
	}
}

// findMosquitto looks where Debian puts it, too, which is in root's search path only.
func findMosquitto() (string, error) {
	program, err := exec.LookPath("mosquitto")
	if errors.Is(err, exec.ErrNotFound) {
		program, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	return program, err
}

// mosquittoServers returns Mosquitto for TCP, TLS and WebSocket, and the embedded broker for WebSocket with large messages, which
// Mosquitto with libwebsockets hands over in pieces of 4 KiB with pauses between.
func mosquittoServers(program, dir string, b *broker) []server {
	_, tcp, _ := net.SplitHostPort(b.hosts["mqtt"])
	_, secured, _ := net.SplitHostPort(b.hosts["mqtts"])
	_, webSocket, _ := net.SplitHostPort(b.hosts[mosquittoWS])
	return []server{
		&mosquitto{program: program, file: filepath.Join(dir, "mosquitto.conf"), lines: "listener " + tcp + " 127.0.0.1\n" +
			"listener " + secured + " 127.0.0.1\n" +
			"certfile " + filepath.Join(dir, certificate.File) + "\nkeyfile " + filepath.Join(dir, certificate.KeyFile) + "\n" +
			"listener " + webSocket + " 127.0.0.1\nsocket_domain ipv4\nprotocol websockets\n" + // without the domain 2.0.11 listens on all interfaces
			"allow_anonymous true\n"},
		&embedded{hosts: map[string]string{"ws": b.hosts["ws"]}},
	}
}

// mosquitto is a Mosquitto process.
type mosquitto struct {
	program, file, lines string
	process              *exec.Cmd
}

func (m *mosquitto) start() error {
	lines := m.lines
	if os.Geteuid() == 0 {
		lines += "user root\n" // else it gives root up and cannot read its key
	}
	if err := os.WriteFile(m.file, []byte(lines), 0o600); err != nil {
		return err
	}
	m.process = exec.Command(m.program, "-c", m.file)
	return m.process.Start()
}

// stop kills the process: without a farewell, as an outage does.
func (m *mosquitto) stop() {
	if m.process != nil && m.process.Process != nil {
		m.process.Process.Kill()
		m.process.Wait()
	}
}
