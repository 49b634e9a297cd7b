package wan

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Place is a network namespace without a name, and a thread in it: what the thread starts runs there. The kernel ends the processes
// with the thread and the namespace with its last process, so that nothing stays behind, however this program ends.
type Place struct {
	do        chan func() error // for the thread
	done      chan error        // what came of it
	closed    chan struct{}
	processes []*exec.Cmd // started here; belongs to the thread
}

var errClosed = errors.New("the emulated network is closed")

// settings are the namespace's own. Nothing but what is measured shall send, and a measurement shall not learn from the one before.
var settings = map[string]string{
	"ipv6/conf/all/disable_ipv6":     "1",
	"ipv6/conf/default/disable_ipv6": "1",
	"ipv4/ip_forward":                "1",
	"ipv4/tcp_no_metrics_save":       "1",
}

func newPlace() (*Place, error) {
	p := &Place{do: make(chan func() error), done: make(chan error), closed: make(chan struct{})}
	go p.serve()
	return p, p.run(enterNamespace)
}

// serve is the thread. It ends with the goroutine, for it is never unlocked.
func (p *Place) serve() {
	runtime.LockOSThread()
	for {
		select {
		case f := <-p.do:
			p.done <- f()
		case <-p.closed:
			for _, c := range p.processes {
				c.Process.Kill()
			}
			return
		}
	}
}

// enterNamespace moves the calling thread to a new namespace and sets both up.
func enterNamespace() error {
	setPriority(0, measuredPriority)
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
	select {
	case p.do <- f:
		return <-p.done
	case <-p.closed:
		return errClosed
	}
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

// dropped returns how many packets the kernel dropped before a device because nobody read them in time.
func (p *Place) dropped(device string) (n int, err error) {
	var table []byte
	err = p.run(func() error {
		table, err = os.ReadFile("/proc/thread-self/net/dev")
		return err
	})
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > droppedColumn && fields[0] == device+":" {
			return strconv.Atoi(fields[droppedColumn])
		}
	}
	return 0, err
}

// droppedColumn of /proc/net/dev is of packets that were to be sent.
const droppedColumn = 12

// close kills what was started. Whoever started it waits for it.
func (p *Place) close() { close(p.closed) }
