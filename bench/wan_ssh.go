package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// overSSH measures TCP that ssh forwards: ssh over TCP straight, then the same through the command as ProxyCommand.
func overSSH(t *bed, m *wanRound, name string) error {
	if err := t.startSSHD(); err != nil {
		return err
	}
	straight := t.ssh()
	if err := t.launch(t.A, straight); err != nil {
		return err
	}
	if err := t.bulk(m, name+sshKey, local()); err != nil {
		return err
	}
	straight.Process.Kill()
	t.settle()
	if err := t.commandListens(sshPort); err != nil {
		return err
	}
	through := t.ssh("-o", "ProxyCommand="+t.command().Path+" connect "+t.fromA())
	through.Env = t.command().Env
	if err := t.launch(t.A, through); err != nil {
		return err
	}
	return t.bulk(m, name+sshConnKey, local())
}

// startSSHD starts sshd at B, for root with a key made for it.
func (t *bed) startSSHD() error {
	// Debian's sshd insists on it; its own unit makes it.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return err
	}
	for _, name := range []string{"host", "id"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(t.dir, name)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	file := filepath.Join(t.dir, "sshd_config")
	lines := fmt.Sprintf("ListenAddress 0.0.0.0\nPort %s\nHostKey %s/host\nAuthorizedKeysFile %s/id.pub\nPidFile none\nUsePAM no\n"+
		"StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n", sshPort, t.dir, t.dir)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		return err
	}
	return t.launch(t.B, exec.Command("/usr/sbin/sshd", "-D", "-f", file))
}

// ssh forwards a port to the far end's loopback, and does nothing else.
func (t *bed) ssh(more ...string) *exec.Cmd {
	args := []string{"-F", "none", "-N", "-i", filepath.Join(t.dir, "id"), "-p", sshPort, "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes",
		"-L", forwardPort + ":127.0.0.1:" + tcpPort}
	return exec.Command("ssh", append(append(args, more...), "root@"+wan.B)...)
}
