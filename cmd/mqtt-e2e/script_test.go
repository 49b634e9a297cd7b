package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

func TestMain(m *testing.M) { testscript.Main(cleaning{m}, map[string]func(){"mqtt-e2e": main}) }

// cleaning removes what build has built, after the tests.
type cleaning struct{ *testing.M }

func (c cleaning) Run() int {
	catchSignals()
	defer os.RemoveAll(built)
	return c.M.Run()
}

// catchSignals lets the programs that the tests start get all signals, though the
// tests may run under nohup: what a process catches is not ignored by those
// that it starts.
func catchSignals() {
	for _, s := range signals {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// TestScripts drives the command as a user does.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

// TestErrors is the table of every error that a user can cause, by subject, each
// with its exact text.
func TestErrors(t *testing.T) { runScripts(t, "testdata/errors") }

// runScripts runs a directory of scripts. Beside testscript's own commands they
// have:
//
//	broker [USER PASSWORD]  starts a broker and sets ADDRESS to its URL and HOST to its host and port
//	broker-tls [client]     starts a broker with TLS, which may want clients to have certificates, sets ADDRESS,
//	                        HOST and PORT, and writes ca.pem
//	go-listener NAME        listens as a program in Go does, for the plain stream
//	target KIND [NAME]      starts a TCP server and sets TARGET, or NAME, to its address
//	exits CODE VERB…        runs mqtt-e2e and checks its exit code
//	says LINE…              checks that this, in which $NAME stands for a variable and $$ for $, is all that the last command
//	                        said on standard error; mqtt-e2e: in front of each line is left away
//	tells FILE LINE         waits until the file has the line, which is written as for says
//	start NAME VERB…        starts mqtt-e2e in the background, its standard error in the file NAME,
//	                        its standard output in NAME.out, its standard input open
//	wait-for FILE TEXT      waits until the file has the text in it
//	end NAME [SIGNAL CODE]  sends a signal to what start started (default: TERM; none: waits for its end) and
//	                        checks its exit code (default: 0)
//	signal NAME SIGNAL      sends a signal to what start started, which lives on
//	fingerprint NAME FILE   sets NAME to the fingerprint of the key in the file
//	ask HOST:PORT TEXT      sends TEXT over TCP, ends its direction, and prints what comes back until the end
//	free-port NAME          sets NAME to a loopback port that is free
//	socks PROXY HOST:PORT   prints the reply of a SOCKS5 proxy and, if it is 0, what comes back for "hello"
func runScripts(t *testing.T, directory string) {
	testscript.Run(t, testscript.Params{
		Dir:                 directory,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			key := mqtte2e.NewKey()
			env.Setenv("KEY", key.Hex())
			env.Setenv("FINGERPRINT", key.String())
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second more under the race detector
			env.Values["started"] = make(started)
			return os.WriteFile(filepath.Join(env.WorkDir, "key"), []byte(env.Getenv("KEY")+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"broker":      startBroker,
			"broker-tls":  startTLSBroker,
			"go-listener": startListener,
			"target":      startTarget,
			"exits":       exits,
			"says":        says,
			"tells":       tells,
			"start":       start,
			"wait-for":    waitFor,
			"end":         end,
			"signal":      sendSignal,
			"fingerprint": fingerprintOf,
			"ask":         askTCP,
			"free-port":   freePort,
			"socks":       askSOCKS,
		},
	})
}

func startBroker(ts *testscript.TestScript, _ bool, args []string) {
	var config broker.Config
	if len(args) == 2 {
		config.Username, config.Password = args[0], args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	b, err := broker.New(config)
	ts.Check(err)
	ts.Defer(func() { b.Close() })
	ts.Check(b.Listen(listener))
	ts.Setenv("ADDRESS", "mqtt://"+listener.Addr().String())
	ts.Setenv("HOST", listener.Addr().String())
}

func startListener(ts *testscript.TestScript, _ bool, args []string) {
	key, err := mqtte2e.ParseKey(ts.Getenv("KEY"))
	ts.Check(err)
	listener, err := mqtte2e.Listen(context.Background(), ts.Getenv("ADDRESS")+"#"+args[0], &mqtte2e.Config{Key: key})
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
}

func startTarget(ts *testscript.TestScript, _ bool, args []string) {
	name := "TARGET"
	if len(args) == 2 {
		name = args[1]
	}
	serve, ok := targets[args[0]]
	if !ok {
		ts.Fatalf("there is no target %q", args[0])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
	ts.Setenv(name, listener.Addr().String())
	go serveAll(listener, serve)
}

func freePort(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer listener.Close()
	ts.Setenv(args[0], strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("mqtt-e2e", args[1:]...)
	if code := codeOf(err); strconv.Itoa(code) != args[0] {
		ts.Fatalf("mqtt-e2e exited with %d (%v), not %s", code, err, args[0])
	}
}

// stamp is the time before a line, which text logs have that go to a file.
var stamp = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d) `)

func says(ts *testscript.TestScript, _ bool, args []string) {
	var want strings.Builder
	for _, line := range args {
		want.WriteString(saidLine(ts, line))
	}
	if got := stamp.ReplaceAllString(ts.ReadFile("stderr"), ""); got != want.String() {
		ts.Fatalf("it says:\n%swant:\n%s", got, &want)
	}
}

func tells(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, false, []string{args[0], saidLine(ts, args[1])})
}

// saidLine returns a line as the command writes it.
func saidLine(ts *testscript.TestScript, line string) string {
	variable := func(name string) string {
		if name == "$" {
			return "$"
		}
		return ts.Getenv(name)
	}
	return "mqtt-e2e: " + os.Expand(line, variable) + "\n"
}

func codeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// started are the processes in the background, by name.
type started map[string]*exec.Cmd

func start(ts *testscript.TestScript, _ bool, args []string) {
	log, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer log.Close()
	program, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], "mqtt-e2e"))
	ts.Check(err)
	cmd := exec.Command(program, args[1:]...)
	output, err := os.Create(ts.MkAbs(args[0] + ".out"))
	ts.Check(err)
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, log
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "PATH", "XDG_CONFIG_HOME", "GOCOVERDIR", "GORACE", "MQTT_E2E_PASSWORD", "NOTIFY_SOCKET", "WATCHDOG_USEC", "SYSTEMROOT"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	_, err = cmd.StdinPipe() // stays open
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Value("started").(started)[args[0]] = cmd
	ts.Defer(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
}

func end(ts *testscript.TestScript, _ bool, args []string) {
	name, code := "TERM", "0"
	if len(args) == 3 {
		name, code = args[1], args[2]
	}
	cmd := ts.Value("started").(started)[args[0]]
	if name != "none" {
		ts.Check(cmd.Process.Signal(signals[name]))
	}
	defer time.AfterFunc(patience, func() { cmd.Process.Kill() }).Stop()
	if got := codeOf(cmd.Wait()); strconv.Itoa(got) != code {
		log, _ := os.ReadFile(ts.MkAbs(args[0]))
		ts.Fatalf("%s exited with %d, not %s:\n%s", args[0], got, code, log)
	}
}

func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value("started").(started)[args[0]].Process.Signal(signals[args[1]]))
}

func fingerprintOf(ts *testscript.TestScript, _ bool, args []string) {
	key, err := mqtte2e.ParseKey(ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Setenv(args[0], key.String())
}

func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	file, text := ts.MkAbs(args[0]), []byte(args[1])
	ok := eventually(func() bool {
		content, _ := os.ReadFile(file)
		return bytes.Contains(content, text)
	})
	if !ok {
		content, _ := os.ReadFile(file)
		ts.Fatalf("%s does not get %q:\n%s", args[0], text, content)
	}
}
