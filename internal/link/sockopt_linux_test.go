package link

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSocketOptions(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := newSocket(conn)
	defer s.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT); err != nil || got != mostUnsent {
			t.Errorf("TCP_NOTSENT_LOWAT is %d, %v", got, err)
		}
	})
	if allocations := testing.AllocsPerRun(100, s.rearm); allocations != 0 {
		t.Errorf("quick acknowledgement costs %v allocations a read", allocations)
	}
}
