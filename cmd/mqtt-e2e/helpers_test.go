package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait of a test for something that must happen.
const patience = 30 * time.Second

var signals = map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}

// eventually asks until the answer is yes, or patience is over: files of other
// processes announce nothing.
func eventually(done func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; {
		if done() {
			return true
		}
		select {
		case <-tick.C:
		case <-limit:
			return false
		}
	}
}

// targets are TCP servers for the scripts, by kind.
var targets = map[string]func(*net.TCPConn){
	// echo returns everything.
	"echo": func(conn *net.TCPConn) {
		defer conn.Close()
		io.Copy(conn, conn)
	},
	// hello speaks first and ends, without waiting for the other side's end.
	"hello": func(conn *net.TCPConn) {
		defer conn.Close()
		io.WriteString(conn, "hello from the target\n")
	},
	// greeting speaks first, and waits for the other side's end.
	"greeting": func(conn *net.TCPConn) {
		defer conn.Close()
		io.WriteString(conn, "hello from the target\n")
		io.Copy(io.Discard, conn)
	},
	// reset says something and then fails.
	"reset": func(conn *net.TCPConn) {
		bufio.NewReader(conn).ReadByte()
		conn.SetLinger(0)
		conn.Close()
	},
	// mute reads to the end and does not even end its own direction.
	"mute": func(conn *net.TCPConn) { io.Copy(io.Discard, conn) },
	// silent reads to the end and answers nothing.
	"silent": func(conn *net.TCPConn) {
		defer conn.Close()
		io.Copy(io.Discard, conn)
	},
}

func askTCP(ts *testscript.TestScript, neg bool, args []string) {
	answer, err := ask(args[0], args[1])
	if neg != (err != nil) {
		ts.Fatalf("asking %s: %v", args[0], err)
	}
	io.WriteString(ts.Stdout(), answer)
}

// ask sends text, ends its direction, and returns what comes until the end.
func ask(hostPort, text string) (string, error) {
	conn, err := net.DialTimeout("tcp", hostPort, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}
