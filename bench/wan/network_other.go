//go:build !linux

package wan

import (
	"errors"
	"os/exec"
	"sync/atomic"
)

var errUnavailable = errors.New("emulated links need Linux: network namespaces and TUN devices")

// Network does not exist on this platform.
type Network struct {
	A, Broker, B *Place
	DeadA, DeadB atomic.Bool
}

// Place does not exist on this platform.
type Place struct{}

// Available says why there can be no Network.
func Available() error { return errUnavailable }

// New fails.
func New(a, b Link) (*Network, error) { return nil, errUnavailable }

// Start fails.
func (p *Place) Start(c *exec.Cmd) error { return errUnavailable }

// Strain has nothing to say.
func (n *Network) Strain() string { return "" }

// Close does nothing.
func (n *Network) Close() {}
