//go:build !unix || aix || solaris

package ui

// isRaw is false where it is not known.
func isRaw(int) bool { return false }
