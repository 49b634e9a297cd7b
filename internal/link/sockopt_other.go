//go:build !linux

package link

import "net"

// tuneSocket does nothing: the options that help are Linux's.
func tuneSocket(net.Conn) tuning { return untuned }
