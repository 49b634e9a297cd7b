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
	for name, test := range map[string]struct{ option, want int }{
		"TCP_NOTSENT_LOWAT": {unix.TCP_NOTSENT_LOWAT, mostUnsent},
		"TCP_USER_TIMEOUT":  {unix.TCP_USER_TIMEOUT, 20_000},
	} {
		raw.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, test.option); err != nil || got != test.want {
				t.Errorf("%s is %d, %v", name, got, err)
			}
		})
	}
	if allocations := testing.AllocsPerRun(100, s.rearm); allocations != 0 {
		t.Errorf("quick acknowledgement costs %v allocations a read", allocations)
	}
}
