//go:build unix

package main

import (
	"os"
	"syscall"
)

// freeze stops a process, whose connections stay open; thaw lets it go on.
func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
func thaw(p *os.Process) error   { return p.Signal(syscall.SIGCONT) }
