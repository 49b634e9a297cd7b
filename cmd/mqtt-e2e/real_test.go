package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// need skips the test where a program is not installed, or fails where all of
// them are meant to be, as in CI.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		simtest.Program(t, program)
	}
}

// built is the directory where build puts the command; empty before that.
var built string

// build builds the command once. The test binary itself will not do for
// programs that start the command by the path that it prints.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if built, err = os.MkdirTemp("", "mqtt-e2e"); err != nil {
		return "", err
	}
	program := filepath.Join(built, "mqtt-e2e")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return program, err
})

// A rig is a broker, a key, and the command.
type rig struct {
	t       *testing.T
	program string
	broker  *simtest.MosquittoBroker
	dir     string
	key     mqtte2e.Key
	keyFile string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("runs real programs")
	}
	need(t, "go")
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, program: program, broker: simtest.Mosquitto(t), dir: t.TempDir(), key: mqtte2e.NewKey()}
	r.keyFile = filepath.Join(r.dir, "key")
	if err := os.WriteFile(r.keyFile, []byte(r.key.Hex()), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) address() string { return r.broker.Address + "#box" }

func (r *rig) config() *mqtte2e.Config { return &mqtte2e.Config{Key: r.key} }

// listen starts the verb listen and waits until it does.
func (r *rig) listen(args ...string) *process {
	p := r.start(append([]string{"listen", r.address(), "--key-file", r.keyFile}, args...)...)
	p.waitFor("listening")
	return p
}

// forward starts the verb forward and waits until it is of use.
func (r *rig) forward(args ...string) *process {
	p := r.start(append([]string{"forward", r.address(), "--key-file", r.keyFile}, args...)...)
	p.waitFor("connected to the listener")
	return p
}

// start starts the command; it ends with the test.
func (r *rig) start(args ...string) *process {
	r.t.Helper()
	return launch(r.t, r.program, args...)
}

// A process is a program in the background.
type process struct {
	*exec.Cmd
	t     *testing.T
	stdin io.WriteCloser
	said  simtest.Buffer // standard output and error
}

// launch starts a program, which is killed when the test ends.
func launch(t *testing.T, program string, args ...string) *process {
	t.Helper()
	return launchCommand(t, exec.Command(program, args...))
}

func launchCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: cmd, t: t}
	p.Stdout, p.Stderr = &p.said, &p.said
	var err error
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s:\n%s", p, p.said.String())
		}
	})
	return p
}

// kill ends the process without warning.
func (p *process) kill() {
	if p.ProcessState == nil {
		p.Process.Kill()
		p.Wait()
	}
}

func (p *process) waitFor(text string) {
	p.t.Helper()
	if !eventually(func() bool { return strings.Contains(p.said.String(), text) }) {
		p.t.Fatalf("%s does not say %q:\n%s", p, text, p.said.String())
	}
}

// output runs a program to its end, which must be a success.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, &stderr)
	}
	return string(out)
}

// unused returns a loopback port that nothing listens on.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// waitPort waits until something listens on a loopback port.
func waitPort(t *testing.T, port string) {
	t.Helper()
	ok := eventually(func() bool {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	if !ok {
		t.Fatalf("nothing listens on port %s", port)
	}
}

// randomFile writes a file of so many bytes and returns its name and hash.
func randomFile(t *testing.T, size int64) (name, hash string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "random")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(file, sum), rand.NewChaCha8([32]byte{1}), size); err != nil {
		t.Fatal(err)
	}
	return name, hex.EncodeToString(sum.Sum(nil))
}

func hashOf(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
