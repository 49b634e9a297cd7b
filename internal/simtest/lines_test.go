package simtest

import (
	"context"
	"io"
	"net"
	"testing"
)

// echoes returns a line to a server that sends everything back.
func echoes(t *testing.T, lines *Lines) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go Echo(listener)
	conn, err := lines.DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestLinesSwallowInwards(t *testing.T) {
	lines := new(Lines)
	conn := echoes(t, lines)
	conn.Write([]byte("1"))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	lines.SwallowIn()
	conn.Write([]byte("2"))
	conn.(*line).Conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(conn); err != nil || len(got) != 0 {
		t.Errorf("read %q, %v", got, err)
	}
	if lines.Open() != 1 {
		t.Errorf("%d lines are open, want 1", lines.Open())
	}
	conn.Close()
	if lines.Open() != 0 {
		t.Errorf("%d lines are open after Close", lines.Open())
	}
}

func TestLinesSwallowOutwards(t *testing.T) {
	lines := new(Lines)
	conn := echoes(t, lines)
	defer conn.Close()
	lines.SwallowOut()
	if n, err := conn.Write([]byte("123")); n != 3 || err != nil {
		t.Fatalf("Write returned %d, %v", n, err)
	}
	conn.(*line).Conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(conn); err != nil || len(got) != 0 {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestLinesCut(t *testing.T) {
	lines := new(Lines)
	conn := echoes(t, lines)
	defer conn.Close()
	lines.Cut()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a cut line can be read")
	}
}
