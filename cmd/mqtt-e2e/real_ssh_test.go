package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// sshServer starts sshd for the test's user on a loopback port.
func sshServer(t *testing.T, dir string) (port string) {
	t.Helper()
	need(t, "ssh", "ssh-keygen", "scp")
	sshd := simtest.Program(t, "sshd")
	if os.Geteuid() == 0 {
		// Debian's sshd insists on it; its own unit makes it.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"host", "id"} {
		output(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name))
	}
	port = unused(t)
	conf := filepath.Join(dir, "sshd_config")
	lines := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s/host\nAuthorizedKeysFile %s/id.pub\nPidFile none\n"+
		"UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\nMaxSessions 100\n"+
		"Subsystem sftp internal-sftp\n", port, dir, dir)
	if err := os.WriteFile(conf, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, sshd, "-D", "-e", "-f", conf)
	waitPort(t, port)
	return port
}

// sshRig is a rig with sshd behind listen, and a configuration of ssh that the
// command has printed.
type sshRig struct {
	*rig
	conf string
}

func newSSHRig(t *testing.T) *sshRig {
	t.Helper()
	r := newRig(t)
	port := sshServer(t, r.dir)
	r.listen("--to", "127.0.0.1:"+port)
	return &sshRig{r, r.sshConf(output(t, r.program, "ssh-config", r.address(), "--key-file", r.keyFile))}
}

// sshConf writes a configuration that begins with block.
func (r *rig) sshConf(block string) string {
	r.t.Helper()
	me, err := user.Current()
	if err != nil {
		r.t.Fatal(err)
	}
	conf := filepath.Join(r.dir, "ssh_config")
	block += fmt.Sprintf("    User %s\n    IdentityFile %s/id\n    IdentitiesOnly yes\n    StrictHostKeyChecking no\n"+
		"    UserKnownHostsFile /dev/null\n    LogLevel ERROR\n    BatchMode yes\n", me.Username, r.dir)
	if err := os.WriteFile(conf, []byte(block), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return conf
}

// ssh runs a command on the other side.
func (r *sshRig) ssh(args ...string) string {
	r.t.Helper()
	return output(r.t, "ssh", append([]string{"-F", r.conf, "box"}, args...)...)
}

func TestSSH(t *testing.T) {
	r := newSSHRig(t)

	t.Run("exit code", func(t *testing.T) {
		out, err := exec.Command("ssh", "-F", r.conf, "box", "echo over there; exit 42").CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 42 || string(out) != "over there\n" {
			t.Errorf("ssh says %q, %v", out, err)
		}
	})

	t.Run("scp", func(t *testing.T) {
		file, hash := randomFile(t, 50<<20)
		there, back := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "back")
		output(t, "scp", "-F", r.conf, file, "box:"+there)
		output(t, "scp", "-F", r.conf, "box:"+there, back)
		if hashOf(t, there) != hash || hashOf(t, back) != hash {
			t.Error("the copies differ")
		}
	})

	t.Run("ten at once", func(t *testing.T) {
		var running sync.WaitGroup
		for i := range 10 {
			running.Go(func() {
				text := strings.Repeat(fmt.Sprint(i), 100_000)
				cmd := exec.Command("ssh", "-F", r.conf, "box", "cat")
				cmd.Stdin = strings.NewReader(text)
				if out, err := cmd.Output(); err != nil || string(out) != text {
					t.Errorf("session %d: %d bytes, %v", i, len(out), err)
				}
			})
		}
		running.Wait()
	})

	t.Run("multiplexing", func(t *testing.T) {
		control := filepath.Join(r.dir, "m")
		launch(t, "ssh", "-F", r.conf, "-M", "-N", "-S", control, "box")
		if !eventually(func() bool { return exec.Command("ssh", "-S", control, "-O", "check", "box").Run() == nil }) {
			t.Fatal("the master does not come up")
		}
		for range 3 {
			if out := output(t, "ssh", "-F", r.conf, "-S", control, "box", "echo", "again"); out != "again\n" {
				t.Errorf("ssh says %q", out)
			}
		}
		output(t, "ssh", "-S", control, "-O", "exit", "box")
	})

	t.Run("forwards inside", func(t *testing.T) {
		port := unused(t)
		launch(t, "ssh", "-F", r.conf, "-N", "-L", port+":"+serveTCP(t, targets["echo"]), "box")
		waitPort(t, port)
		if answer, err := ask("127.0.0.1:"+port, "inside"); err != nil || answer != "inside" {
			t.Errorf("the answer is %q, %v", answer, err)
		}
	})

	t.Run("nothing is left", func(t *testing.T) {
		if _, err := os.Stat("/proc/self/cmdline"); err != nil {
			t.Skip("there is no /proc")
		}
		if !eventually(func() bool { return count(r.program+"\x00connect") == 0 }) {
			t.Errorf("%d processes of connect outlive their ssh", count(r.program+"\x00connect"))
		}
	})
}

// count returns how many processes, zombies of ours included, have a command
// line that begins so.
func count(cmdline string) int {
	n := 0
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if content, _ := os.ReadFile(file); strings.HasPrefix(string(content), cmdline) {
			n++
		}
	}
	return n
}

// TestSSHBrokerRestart restarts the broker in the middle of a session in which
// somebody types, and of an rsync.
func TestSSHBrokerRestart(t *testing.T) {
	r := newSSHRig(t)
	need(t, "rsync")

	t.Run("session", func(t *testing.T) {
		cmd := exec.Command("ssh", "-F", r.conf, "box", "cat")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for _, line := range []string{"before\n", "after\n"} {
			io.WriteString(in, line)
			if got, err := lines.ReadString('\n'); got != line {
				t.Fatalf("the other side says %q, %v", got, err)
			}
			if line == "before\n" {
				r.broker.Restart()
			}
		}
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})

	t.Run("rsync", func(t *testing.T) {
		file, hash := randomFile(t, 100<<20)
		there := t.TempDir()
		p := launch(t, "rsync", "-e", "ssh -F "+r.conf, "--bwlimit=40m", "--inplace", file, "box:"+there+"/")
		copied := filepath.Join(there, filepath.Base(file))
		size := func() int64 {
			if info, err := os.Stat(copied); err == nil {
				return info.Size()
			}
			return 0
		}
		if !eventually(func() bool { return size() > 10<<20 }) {
			t.Fatal("rsync does not get going")
		}
		r.broker.Restart()
		if size() >= 100<<20 {
			t.Fatal("rsync was done before the broker was restarted")
		}
		if err := p.Wait(); err != nil {
			t.Fatalf("rsync: %v", err)
		}
		if hashOf(t, copied) != hash {
			t.Error("the copy differs")
		}
	})
}

// TestSSHConfig gives what is printed for an address that needs escaping, in
// user and password, to real ssh.
func TestSSHConfig(t *testing.T) {
	r := newRig(t)
	need(t, "mosquitto_passwd")
	passwords := filepath.Join(r.dir, "passwords")
	output(t, "mosquitto_passwd", "-b", "-c", passwords, "me@home", "p@ss %word")
	secured := secureBroker(t, passwords)
	password := filepath.Join(r.dir, "the password")
	if err := os.WriteFile(password, []byte("p@ss %word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := sshServer(t, r.dir)
	address := strings.Replace(secured, "mqtt://", "mqtt://me%40home@", 1) + "#box"
	settings := []string{"--key-file", r.keyFile, "--password-file", password, "--topic-prefix", "a $HOME/%h/it's/"}
	r.start(append([]string{"listen", address, "--to", "ssh=127.0.0.1:" + port}, settings...)...).waitFor("listening")
	block := output(t, r.program, append([]string{"ssh-config", address, "ssh"}, settings...)...)
	if strings.Contains(block, "p@ss") {
		t.Errorf("the block has the password in it:\n%s", block)
	}
	s := &sshRig{r, r.sshConf(block)}
	if out := s.ssh("echo", "through"); out != "through\n" {
		t.Errorf("ssh says %q", out)
	}
}

// TestSSHConfigOfAFleet reaches one of a fleet, under a key of its own, by what
// is printed for all.
func TestSSHConfigOfAFleet(t *testing.T) {
	r := newRig(t)
	port := sshServer(t, r.dir)
	keys := filepath.Join(t.TempDir(), "50% of $them")
	output(t, r.program, "keygen", "-o", filepath.Join(keys, "door7.fleet"))
	broker := strings.TrimSuffix(r.address(), "#box")
	r.start("listen", broker, "-n", "door7.fleet", "--to", "127.0.0.1:"+port, "--key-file", filepath.Join(keys, "door7.fleet")).waitFor("listening")
	conf := r.sshConf(output(t, r.program, "ssh-config", broker, "-n", "*.fleet", "--key-file", filepath.Join(keys, "%n")))
	if out := output(t, "ssh", "-F", conf, "door7.fleet", "echo", "through"); out != "through\n" {
		t.Errorf("ssh says %q", out)
	}
}
