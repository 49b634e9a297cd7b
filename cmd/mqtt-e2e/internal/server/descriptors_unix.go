//go:build unix

package server

import (
	"math"
	"syscall"
)

// descriptors returns how many files and sockets the process may have open. Go has
// raised that as far as it may by then.
func descriptors() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxInt32
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
