//go:build unix

package secrets

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether the file belongs to the user who runs the program, who
// therefore can change its mode.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
