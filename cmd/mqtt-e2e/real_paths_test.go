package main

import (
	"bufio"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestSSHThroughTwoBrokers kills the brokers of an address in turn while somebody types over ssh, and starts each again.
func TestSSHThroughTwoBrokers(t *testing.T) {
	r := newRig(t)
	second := simtest.Mosquitto(t)
	address := r.broker.Address + "," + second.Address + "#box"
	port := sshServer(t, r.dir)
	settings := []string{"--key-file", r.keyFile}
	r.start(append([]string{"listen", address, "--to", "127.0.0.1:" + port}, settings...)...).waitFor("listening")
	s := &sshRig{r, r.sshConf(output(t, r.program, append([]string{"ssh-config", address}, settings...)...))}

	session := s.typist()
	session.typeLine("before")
	for _, dying := range []*simtest.MosquittoBroker{r.broker, second, r.broker} {
		dying.Kill()
		session.typeLine("a broker is dead")
		dying.Restart()
		session.typeLine("it is back")
	}
	session.end()
}

// A typist has a session in which the other side says what is typed.
type typist struct {
	t   *testing.T
	ssh *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (r *sshRig) typist() *typist {
	r.t.Helper()
	s := &typist{t: r.t, ssh: exec.Command("ssh", "-F", r.conf, "box", "cat")}
	var err error
	if s.in, err = s.ssh.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	out, err := s.ssh.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.ssh.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.ssh.Process.Kill() })
	s.out = bufio.NewReader(out)
	return s
}

// typeLine types something, waits until it is echoed, and logs how long that took.
func (s *typist) typeLine(text string) {
	s.t.Helper()
	start := time.Now()
	io.WriteString(s.in, text+"\n")
	if got, err := s.out.ReadString('\n'); got != text+"\n" {
		s.t.Fatalf("%q was typed, and the other side says %q, %v", text, got, err)
	}
	s.t.Logf("%q echoed after %v", text, time.Since(start))
}

func (s *typist) end() {
	s.in.Close()
	if err := s.ssh.Wait(); err != nil {
		s.t.Error(err)
	}
}
