//go:build !unix

package tunnel

// waitClosed never returns: only a write tells here.
func waitClosed(uintptr) { select {} }
