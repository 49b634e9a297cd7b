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
	// http answers as a web server does that understands nothing.
	"http": answer("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
	// unfound answers as a web server does that has no such page.
	"unfound": answer("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
	// tls answers as OpenSSL does to what is not TLS: with the alert protocol_version.
	"tls": answer("\x15\x03\x01\x00\x02\x02\x46"),
	// ssh speaks first.
	"ssh": func(conn *net.TCPConn) {
		defer conn.Close()
		io.WriteString(conn, "SSH-2.0-test\r\n")
		io.Copy(io.Discard, conn)
	},
	// smtp is one of those that nobody recognises.
	"smtp": func(conn *net.TCPConn) {
		defer conn.Close()
		io.WriteString(conn, "220 mail.example ESMTP\r\n")
		io.Copy(io.Discard, conn)
	},
	// hang-up reads something and ends.
	"hang-up": answer(""),
	// mute reads to the end and does not even end its own direction.
	"mute": func(conn *net.TCPConn) { io.Copy(io.Discard, conn) },
	// silent reads to the end and answers nothing.
	"silent": func(conn *net.TCPConn) {
		defer conn.Close()
		io.Copy(io.Discard, conn)
	},
}

// serveAll calls serve for each connection, until the listener is closed.
func serveAll(listener net.Listener, serve func(*net.TCPConn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go serve(conn.(*net.TCPConn))
	}
}

// answer reads something, answers, and ends.
func answer(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		defer conn.Close()
		conn.Read(make([]byte, 4<<10))
		io.WriteString(conn, text)
	}
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
