package simtest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// MosquittoBroker is a Mosquitto process on a loopback port.
type MosquittoBroker struct {
	// Address is the broker's address, as mqtt://127.0.0.1:PORT. It stays the same over Restart.
	Address string

	// Port is the port in Address, for a client that speaks something else than MQTT over TCP.
	Port int

	tb      testing.TB
	program string
	conf    string
	process *exec.Cmd // nil while killed
}

// Mosquitto starts Mosquitto with its default settings, anonymous clients allowed, and the extra lines in its configuration
// file. It ends with the test. Program says what happens where it is not installed.
func Mosquitto(tb testing.TB, extra ...string) *MosquittoBroker {
	tb.Helper()
	program := Program(tb, "mosquitto")
	port := freePort(tb)
	b := &MosquittoBroker{
		Address: fmt.Sprintf("mqtt://127.0.0.1:%d", port),
		Port:    port,
		tb:      tb,
		program: program,
		conf:    filepath.Join(tb.TempDir(), "mosquitto.conf"),
	}
	lines := []string{fmt.Sprintf("listener %d 127.0.0.1", port), "allow_anonymous true", "log_dest stderr"}
	if os.Geteuid() == 0 {
		// Else it gives root up and cannot read the test's files, such as a password file.
		lines = append(lines, "user root")
	}
	lines = append(lines, extra...)
	if err := os.WriteFile(b.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	b.Restart()
	tb.Cleanup(b.Kill)
	return b
}

// MosquittoWebSocket returns the extra lines for a listener for WebSocket, on the loopback port of that number. Only with its
// socket_domain does Mosquitto with libwebsockets (2.0.11) heed the address; else it listens on all interfaces.
func MosquittoWebSocket(port int) string {
	return fmt.Sprintf("listener %d 127.0.0.1\nsocket_domain ipv4\nprotocol websockets", port)
}

// Kill ends the process without warning (SIGKILL), if it runs, and waits for its end.
func (b *MosquittoBroker) Kill() {
	if b.process != nil {
		b.process.Process.Kill()
		b.process.Wait()
		b.process = nil
	}
}

// Restart starts the process again on the same port, after Kill if it runs, and waits until it listens.
func (b *MosquittoBroker) Restart() {
	b.tb.Helper()
	b.Kill()
	process := exec.Command(b.program, "-c", b.conf)
	stderr, err := process.StderrPipe()
	if err != nil {
		b.tb.Fatal(err)
	}
	if err := process.Start(); err != nil {
		b.tb.Fatal(err)
	}
	b.process = process
	var log strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(&log, lines.Text())
		if strings.HasSuffix(lines.Text(), " running") {
			// A full pipe would stop the broker. The goroutine ends with the process.
			go io.Copy(io.Discard, stderr)
			return
		}
	}
	b.tb.Fatalf("mosquitto does not start:\n%s", &log)
}

// freePort returns a loopback port that nothing listens on now. It is one that no kernel gives to a client (RFC 6335 begins those at 49152,
// Linux at 32768): while Mosquitto is away, who tries to reach it must not meet itself there.
func freePort(tb testing.TB) int {
	tb.Helper()
	var err error
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		listener, refused := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if refused == nil {
			listener.Close()
			return port
		}
		err = refused
	}
	tb.Fatal(err)
	return 0
}
