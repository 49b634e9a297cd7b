package link

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tuneSocket sets the TCP options of conn, if it is a socket. Quick acknowledgement is for brokers such as Mosquitto, which
// leave Nagle's algorithm on: with delayed acknowledgements on our side every small message waits for 40 ms.
func tuneSocket(conn net.Conn) tuning {
	withDescriptor, ok := conn.(syscall.Conn)
	if !ok {
		return untuned
	}
	raw, err := withDescriptor.SyscallConn()
	if err != nil {
		return untuned
	}
	// Failures do not matter: an option that this kernel or socket does not have is only an optimisation less.
	bound := func(limit int) {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, limit)
		})
	}
	bound(mostUnsent)
	quickAck := func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return tuning{func() { raw.Control(quickAck) }, bound}
}
