package wan

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Place is a network namespace without a name, and a thread in it: what the thread starts runs there. The kernel ends the processes
// with the thread and the namespace with its last process, so that nothing stays behind, however this program ends.
type Place struct {
	do        chan func()
	processes []*exec.Cmd // started here; belongs to do's goroutine
}

// settings are the namespace's own. Nothing but what is measured shall send, and a measurement shall not learn from the one before.
var settings = map[string]string{
	"ipv6/conf/all/disable_ipv6":     "1",
	"ipv6/conf/default/disable_ipv6": "1",
	"ipv4/ip_forward":                "1",
	"ipv4/tcp_no_metrics_save":       "1",
}

func newPlace() (*Place, error) {
	p := &Place{do: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		made <- enterNamespace()
		for f := range p.do {
			f()
		}
	}()
	return p, <-made
}

// enterNamespace moves the calling thread to a new namespace and sets it up.
func enterNamespace() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	for name, value := range settings {
		err := os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return ip("link set lo up")
}

// ip runs the command ip in the namespace of the calling thread.
func ip(args string) error {
	out, err := exec.Command(ipProgram(), strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, out)
	}
	return nil
}

// ipProgram looks where Debian puts it, too, which is in root's search path only.
func ipProgram() string {
	if path, err := exec.LookPath("ip"); err == nil {
		return path
	}
	return "/usr/sbin/ip"
}

// run calls f on the place's thread.
func (p *Place) run(f func() error) error {
	result := make(chan error)
	p.do <- func() { result <- f() }
	return <-result
}

// Start starts a process there. It ends with the Place, and with it whatever it has started: it is the first process of a namespace.
func (p *Place) Start(c *exec.Cmd) error {
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	return p.run(func() error {
		if err := c.Start(); err != nil {
			return err
		}
		p.processes = append(p.processes, c)
		return nil
	})
}

// close kills what was started. Whoever started it waits for it.
func (p *Place) close() {
	p.run(func() error {
		for _, c := range p.processes {
			c.Process.Kill()
		}
		return nil
	})
	close(p.do)
}
