package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// secureBroker starts another broker that lets in only whom a password file of
// Mosquitto knows, and returns its address.
func secureBroker(t *testing.T, passwords string) string {
	t.Helper()
	return simtest.Mosquitto(t, "password_file "+passwords).Address
}

// TestRedis runs redis-benchmark through -L.
func TestRedis(t *testing.T) {
	need(t, "redis-server", "redis-benchmark")
	r := newRig(t)
	server, port := unused(t), unused(t)
	launch(t, "redis-server", "--bind", "127.0.0.1", "--port", server, "--save", "", "--dir", t.TempDir())
	waitPort(t, server)
	r.listen("--to", "127.0.0.1:"+server)
	r.forward("-L", port)
	out := output(t, "redis-benchmark", "-h", "127.0.0.1", "-p", port, "-c", "50", "-n", "50000", "-d", "1000", "-t", "set,get", "--csv")
	t.Log(out)
	if !regexp.MustCompile(`"SET",.*\n"GET",`).MatchString(out) || strings.Contains(out, "rror") {
		t.Errorf("redis-benchmark says\n%s", out)
	}
}

// TestIperf measures with iperf3, which opens several connections.
func TestIperf(t *testing.T) {
	need(t, "iperf3")
	r := newRig(t)
	server, port := unused(t), unused(t)
	r.listen("--to", "127.0.0.1:"+server)
	r.forward("-L", port)
	for _, direction := range [][]string{nil, {"-R"}} {
		// A server each: one that has just served may still be busy. A probe of
		// its port would count as a client.
		p := launch(t, "iperf3", "-s", "-1", "--forceflush", "-B", "127.0.0.1", "-p", server)
		p.waitFor("Server listening")
		out := output(t, "iperf3", append([]string{"-c", "127.0.0.1", "-p", port, "-n", "256M", "-P", "4"}, direction...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		t.Log(strings.Join(lines[max(0, len(lines)-4):], "\n"))
		if err := p.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	}
}

// TestConnectTransfer sends 256 MB through connect, there and back.
func TestConnectTransfer(t *testing.T) {
	r := newRig(t)
	file, hash := randomFile(t, 256<<20)
	r.listen("--to", serveTCP(t, targets["echo"]))
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	sum := sha256.New()
	cmd := exec.Command(r.program, "connect", r.address(), "--key-file", r.keyFile)
	cmd.Stdin, cmd.Stdout = in, sum
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != hash {
		t.Error("what came back differs")
	}
}

// TestUnit lets systemd check what is printed, with an address that needs
// escaping.
func TestUnit(t *testing.T) {
	need(t, "systemd-analyze")
	r := newRig(t)
	password := filepath.Join(r.dir, "50% of the password")
	if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := []string{"--key-file", r.keyFile, "--password-file", password, "--topic-prefix", "$HOME of \"%n\"/", "--peer-timeout=-1s", "--systemd-unit"}
	for verb, flags := range map[string][]string{
		"listen":  {"--to", "127.0.0.1:22", "--allow", "10.0.0.0/8:any"},
		"forward": {"-L", "8022", "-R", "[::1]:9000:127.0.0.1:3000", "-D", "1080"},
	} {
		t.Run(verb, func(t *testing.T) {
			unit := output(t, r.program, slices.Concat([]string{verb, "mqtts://me%40home@broker.example#box"}, flags, settings)...)
			verifyUnit(t, r, unit)
			want := []string{"/mqtt-e2e " + verb + " ", strings.Join(flags, " "), "mqtts://me%%40home@broker.example#box", `"$$HOME of \"%%n\"/"`, "50%% of the password"}
			for _, want := range want {
				if !strings.Contains(unit, want) {
					t.Errorf("the unit lacks %s:\n%s", want, unit)
				}
			}
		})
	}
}

// verifyUnit lets systemd check a unit.
func verifyUnit(t *testing.T, r *rig, unit string) {
	t.Helper()
	if strings.Contains(unit, r.key.Hex()) {
		t.Fatal("the unit has the key in it")
	}
	file := filepath.Join(t.TempDir(), "mqtt-e2e.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s\n%s", err, out, unit)
	}
}

// TestGoPairings lets the command and Go programs meet.
func TestGoPairings(t *testing.T) {
	t.Run("forward and mux.Listen", func(t *testing.T) {
		r := newRig(t)
		listener, err := mux.Listen(t.Context(), r.address(), r.config())
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "from Go") })}
		go server.Serve(listener)
		defer server.Close()
		port := unused(t)
		r.start("forward", r.address(), "--key-file", r.keyFile, "-L", port)
		waitPort(t, port)
		for range 3 {
			get(t, http.DefaultClient, "http://127.0.0.1:"+port, "from Go")
		}
	})
	t.Run("mux.Dialer and listen", func(t *testing.T) {
		r := newRig(t)
		r.listen("--to", webServer(t, t.TempDir()))
		endpoint := &mqtte2e.Endpoint{Broker: r.broker.Address, Config: r.config()}
		defer endpoint.Close()
		dialer := &mux.Dialer{Endpoint: endpoint}
		defer dialer.Close()
		get(t, &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}, "http://box/proto", "HTTP/1.1")
	})
	t.Run("Dial and listen", func(t *testing.T) {
		r := newRig(t)
		r.listen("--to", serveTCP(t, targets["echo"]))
		conn, err := mqtte2e.Dial(t.Context(), r.address(), r.config())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "plain")
		conn.CloseWrite()
		if got, err := io.ReadAll(conn); err != nil || string(got) != "plain" {
			t.Errorf("read %q, %v", got, err)
		}
	})
	t.Run("connect and forward and Listen", func(t *testing.T) {
		r := newRig(t)
		listener, err := mqtte2e.Listen(context.Background(), r.address(), r.config())
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go echoAll(listener)
		cmd := exec.Command(r.program, "connect", r.address(), "--key-file", r.keyFile)
		cmd.Stdin = strings.NewReader("over stdio")
		if out, err := cmd.Output(); err != nil || string(out) != "over stdio" {
			t.Errorf("connect says %q, %v", out, err)
		}
		port := unused(t)
		r.start("forward", r.address(), "--key-file", r.keyFile, "-L", port)
		waitPort(t, port)
		if got, err := ask("127.0.0.1:"+port, "over TCP"); err != nil || got != "over TCP" {
			t.Errorf("the answer is %q, %v", got, err)
		}
	})
}

func echoAll(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}

func get(t *testing.T, client *http.Client, url, want string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != want {
		t.Errorf("%s: %q, %v", url, body, err)
	}
}
