//go:build unix

package tunnel

import (
	"os"

	"golang.org/x/sys/unix"
)

// waitClosed returns when nobody can read any more what is written to out,
// though nothing may be written for hours. It never returns for files.
func waitClosed(out *os.File) {
	poll := []unix.PollFd{{Fd: int32(out.Fd())}} // POLLERR and POLLHUP are always reported
	for {
		_, err := unix.Poll(poll, -1)
		if err == nil || err != unix.EINTR {
			return
		}
	}
}
