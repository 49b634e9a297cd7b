//go:build !unix

package server

import "math"

// descriptors returns how many files and sockets the process may have open: there is
// no limit that could be asked for.
func descriptors() int { return math.MaxInt32 }
