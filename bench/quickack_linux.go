package main

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck returns what makes the kernel acknowledge at once what arrives next on conn.
func quickAck(conn net.Conn) func() {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return func() {}
	}
	set := func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return func() { raw.Control(set) }
}
