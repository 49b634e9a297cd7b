//go:build unix && !aix && !solaris

package ui

import "golang.org/x/sys/unix"

// isRaw reports whether a terminal prints what it gets as it is: OPOST is off
// (termios(4)).
func isRaw(terminal int) bool {
	state, err := unix.IoctlGetTermios(terminal, getTermios)
	return err == nil && state.Oflag&unix.OPOST == 0
}
