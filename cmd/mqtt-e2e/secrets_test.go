package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
)

// What must not be printed. The key is readable text, so that it is found in
// whatever form it is printed.
const (
	markedPassword = "hunter2pw"
	markedToken    = "t0kent0ken"
	markedKey      = "sixteen secrets!"
)

// A teller runs the command with marked secrets and checks what it says.
type teller struct {
	t       *testing.T
	program string
	dir     string
	format  string // of --log-format
	key     string // file
	peers   string // directory with that file, and with wrong ones
	ran     map[string]bool
}

// flags are those of every verb that meets a broker.
func (r *teller) flags(args ...string) []string {
	r.ran[args[0]] = true
	return append(args, "--key-file", r.key, "-vv", "--log-format", r.format)
}

// start starts a verb in the background.
func (r *teller) start(args ...string) *process { return launch(r.t, r.program, args...) }

// run runs a verb to its end, however it ends.
func (r *teller) run(args ...string) {
	r.t.Helper()
	r.runWith(nil, args...)
}

// runWith is run with more in the environment.
func (r *teller) runWith(env []string, args ...string) {
	r.t.Helper()
	r.ran[args[0]] = true
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.program, args...)
	cmd.Dir = r.dir
	cmd.Stdin = strings.NewReader("a line\n")
	cmd.Env = append(os.Environ(), env...)
	said, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		r.t.Errorf("%q does not end", args)
	}
	r.check(args, fmt.Sprintf("%s%v", said, err))
}

func (r *teller) check(args []string, said string) {
	r.t.Helper()
	for _, secret := range []string{markedPassword, markedToken, markedKey} {
		if leaktest.Shows(said, secret) {
			r.t.Errorf("%q says %q:\n%s", args, secret, said)
		}
	}
}

// TestOutputShowsNoSecret runs every verb, with all that it can tell and in both
// formats, at a broker with a password and a token in its address: where it
// works, where it is refused, and while the broker goes away.
func TestOutputShowsNoSecret(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the command many times")
	}
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			r := &teller{t: t, program: program, dir: t.TempDir(), format: format, ran: make(map[string]bool)}
			r.key = filepath.Join(r.dir, "key")
			if err := os.WriteFile(r.key, fmt.Appendf(nil, "%x\n", markedKey), 0o600); err != nil {
				t.Fatal(err)
			}
			r.peers = filepath.Join(r.dir, "peers")
			for name, text := range map[string]string{"right": "%x\n", "wrong": "%s\n", "twice": "%x1\n", "below": "00000000000000000000000000000001\n%x\n"} {
				r.write(filepath.Join(r.peers, name), fmt.Sprintf(text, markedKey))
			}
			r.atBroker()
			r.withoutBroker()
			for _, verb := range new(app).root().Commands() {
				if !r.ran[verb.Name()] {
					t.Errorf("the verb %s was not run", verb.Name())
				}
			}
		})
	}
}

func (r *teller) write(name, text string) {
	r.t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = os.WriteFile(name, []byte(text), 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// peersAtHangup serves a directory of keys, reads it again, and is asked under the
// key of a fleet too.
func (r *teller) peersAtHangup(place string) {
	listen := r.start("listen", place+"#peers", "--key-file", r.peers, "--to", "127.0.0.1:1", "-vv", "--log-format", r.format)
	listen.waitFor("listening")
	r.run(r.flags("connect", place+"#peers")...)
	r.write(filepath.Join(r.peers, "right"), markedKey)
	if err := listen.Process.Signal(signals["HUP"]); err == nil { // there is none on Windows
		listen.waitFor("read the keys again")
	}
	listen.kill()
	r.check(listen.Args, listen.said.String())
	fleet := []string{"--fleet-key-file", r.key, "-vv", "--log-format", r.format}
	r.run(append([]string{"ping", place + "#door1", "--timeout", "300ms"}, fleet...)...)
	r.run(append([]string{"ssh-config", place, "-n", "door*"}, fleet...)...)
	r.run(append([]string{"keygen", "--device", "door1", "-o", filepath.Join(r.dir, "door1")}, fleet...)...)
	r.run(append([]string{"key", "show"}, fleet...)...)
	r.run(append([]string{"message", "send", place, "--device", "door1", "--topic", "x", "hello"}, fleet...)...)
	r.run("key", "show", "--key-file", r.peers, "-vv", "--log-format", r.format)
}

func (r *teller) atBroker() {
	b, err := broker.New(broker.Config{Username: "me", Password: markedPassword})
	if err != nil {
		r.t.Fatal(err)
	}
	defer b.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	if err := b.ListenWebSocket(listener); err != nil {
		r.t.Fatal(err)
	}
	host := listener.Addr().String()
	place := "ws://me:" + markedPassword + "@" + host + "/mqtt?token=" + markedToken
	target, free, taken := serveTCP(r.t, targets["echo"]), unused(r.t), serveTCP(r.t, targets["echo"])

	listenArgs := r.flags("listen", place+"#box", "--to", target, "--to", "dead=127.0.0.1:1", "--allow-remote", free, "--allow-remote", taken)
	listen := r.start(listenArgs...)
	listen.waitFor("listening")
	forwardArgs := r.flags("forward", place+"#box", "-L", "0", "-D", "0", "-R", free+":"+target, "-R", taken+":"+target, "-R", "9:"+target)
	forward := r.start(forwardArgs...)
	forward.waitFor("the other side opened the port")
	for _, args := range [][]string{{}, {target}, {"dead"}, {"nosuch"}, {"192.0.2.1:22"}} {
		r.run(append(r.flags("connect", place+"#box"), args...)...)
	}
	r.run(r.flags("ping", place+"#box", "-c", "1")...)
	r.run(r.flags("ping", place+"#nobody", "--timeout", "300ms")...)
	r.run(r.flags("ping", "ws://me:"+markedPassword+"x@"+host+"?token="+markedToken+"#box")...)
	r.run(r.flags("speedtest", place+"#box")...)
	r.run(r.flags("ssh-config", place+"#box")...)
	r.run(r.flags("ssh-config", place, "-n", "*.fleet")...)
	r.run(r.flags("listen", place+"#box", "--to", target, "--systemd-unit")...)
	r.run(r.flags("forward", place+"#box", "-L", "0", "--systemd-unit")...)
	r.peersAtHangup(place)
	r.run(r.flags("message", "send", place, "--topic", "iot/x", "hello")...)
	r.run(r.flags("message", "shell", place, "--topic", "iot/x")...)
	receive := r.start(r.flags("message", "receive", place, "--topic", "#")...)
	receive.waitFor("receiving")

	b.Close()
	for _, p := range []*process{listen, forward, receive} {
		p.waitFor("the connection to the broker is over")
		p.kill()
		r.check(p.Args, p.said.String())
	}
}

// misplaced has an address where none belongs.
func (r *teller) misplaced(place string) {
	for _, args := range [][]string{
		{"ping", place, place}, {"connect", place + "#a", place}, {"connect", place + "#a", "x", place}, {"ssh-config", place + "#a", place}, {"message", "send", place, "hello", place},
		{"listen", place, "--to", place}, {"listen", place, "--allow", place}, {"listen", place, "--allow-remote", place}, {"forward", place, "-L", place}, {"forward", place, "-R", place},
		{"forward", place, "-D", place}, {"ping", place, "-c", place}, {"ping", place, "-n", place}, {"ping", place, "--timeout", place}, {"ping", place + "#a", "--ca-file", place},
		{"ping", place, "--" + place}, {"ping", place + "#a", "--topic-prefix", place + "#"}, {"broker", "--listen", place},
	} {
		r.run(r.flags(args...)...)
	}
	for _, args := range [][]string{{place}, {"message", place}, {"help", place}, {"key", place}, {"completion", place}, {"key", "show", "--key-file", place}, {"--" + place}} {
		r.run(args...)
	}
}

// withoutBroker runs what needs none, and what fails without one.
func (r *teller) withoutBroker() {
	place := "ws://me:" + markedPassword + "@127.0.0.1:1/mqtt?token=" + markedToken
	r.run(r.flags("connect", place+"#box", "--timeout", "300ms")...)
	r.run(r.flags("message", "send", place, "--topic", "iot/x", "--timeout", "300ms", "hello")...)
	listen := r.start(r.flags("listen", place+"#box", "--to", "127.0.0.1:1")...)
	listen.waitFor("trying again")
	listen.kill()
	r.check(listen.Args, listen.said.String())
	for _, wrong := range []string{place + "#b!x", place + "#a#b", strings.Replace(place, ":1/", ":99999/", 1), strings.Replace(place, "ws", "mqtt", 1), place[5:], place + "%zz"} {
		r.run(r.flags("connect", wrong, "--timeout", "300ms")...)
	}
	r.misplaced(place)
	wrongKey := filepath.Join(r.dir, "wrong")
	if err := os.WriteFile(wrongKey, []byte(markedKey), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.run("connect", place+"#box", "--key-file", wrongKey, "-vv", "--log-format", r.format)
	r.runWith([]string{"MQTT_E2E_KEY=" + markedKey, "MQTT_E2E_ADDRESS=" + place}, "connect", "-n", "box", "-vv", "--log-format", r.format)
	r.runWith([]string{"MQTT_E2E_PASSWORD=" + markedPassword}, "broker", "--listen", "127.0.0.1:x", "--user", "me", "-vv", "--log-format", r.format)
	r.run("keygen", "-o", filepath.Join(r.dir, "new"), "-vv", "--log-format", r.format)
	r.run("key", "show", "--key-file", r.key, "-vv", "--log-format", r.format)
	for _, args := range [][]string{{"version"}, {"man", r.dir}, {"--help"}, {"help", "key"}, {"completion", "bash"}, {"nonsense"}} {
		r.run(args...)
	}
}
