package link

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// notSentLimit bounds what the kernel holds that it has not sent yet, bytes: whatever waits there can no longer be
	// overtaken by what is more urgent. 256 KiB keep a link of 1 Gbit/s busy for the 2 ms in which a busy machine may not run us.
	notSentLimit = 256 << 10

	// userTimeout is how long sent data may stay without TCP acknowledgement. The kernel alone would go on for 15 minutes.
	userTimeout = 20 * time.Second
)

// tuneSocket sets the TCP options of conn, if it is a socket, and returns what must be called after each read: quick
// acknowledgement, which the kernel gives up by itself. Mosquitto leaves Nagle's algorithm on, and with delayed
// acknowledgements on our side every small message then waits for 40 ms.
func tuneSocket(conn net.Conn) (rearm func()) {
	withDescriptor, ok := conn.(syscall.Conn)
	if !ok {
		return func() {}
	}
	raw, err := withDescriptor.SyscallConn()
	if err != nil {
		return func() {}
	}
	// Failures do not matter: an option that this kernel or socket does not have is only an optimisation less.
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLimit)
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	quickAck := func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return func() { raw.Control(quickAck) }
}
