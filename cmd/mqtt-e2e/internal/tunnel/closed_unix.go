//go:build unix

package tunnel

import "golang.org/x/sys/unix"

// waitClosed returns when nobody can read any more what is written to the
// descriptor out, though nothing may be written for hours. It never returns for
// files.
func waitClosed(out uintptr) {
	poll := []unix.PollFd{{Fd: int32(out)}} // POLLERR and POLLHUP are always reported
	for {
		_, err := unix.Poll(poll, -1)
		if err == nil || err != unix.EINTR {
			return
		}
	}
}
