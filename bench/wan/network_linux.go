package wan

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// Network is two access links and what they connect.
type Network struct {
	A, Broker, B *Place
	DeadA, DeadB atomic.Bool // while set, the link loses every packet

	devices []*os.File
	strain  strain
	closing sync.Once
}

// Available says why there can be no Network, nil if there can.
func Available() error {
	if os.Geteuid() != 0 {
		return errors.New("emulated links need root: network namespaces and TUN devices")
	}
	if _, err := os.Stat(tunDevice); err != nil {
		return fmt.Errorf("emulated links need TUN devices: %w", err)
	}
	if _, err := os.Stat(ipProgram()); err != nil {
		return fmt.Errorf("emulated links need the command ip (Debian: iproute2): %w", err)
	}
	return nil
}

// New builds a Network: a is the link between A and the broker's place, b the one between that and B.
func New(a, b Link) (*Network, error) {
	onTime()
	n := &Network{}
	err := n.build(a, b)
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Network) build(a, b Link) (err error) {
	for _, place := range []**Place{&n.A, &n.Broker, &n.B} {
		if *place, err = newPlace(); err != nil {
			return err
		}
	}
	if err := n.connect(n.A, 0, a, &n.DeadA); err != nil {
		return err
	}
	return n.connect(n.B, 1, b, &n.DeadB)
}

// connect puts a link between an end and the broker's place.
func (n *Network) connect(end *Place, index int, link Link, dead *atomic.Bool) error {
	near, far := fmt.Sprintf("10.77.%d.2", index), fmt.Sprintf("10.77.%d.1", index)
	there, err := n.attach(end, linkDevice, near, far)
	if err != nil {
		return err
	}
	if err := end.run(func() error { return ip("route add default via " + far) }); err != nil {
		return err
	}
	here, err := n.attach(n.Broker, fmt.Sprintf("%s%d", linkDevice, index), far, near)
	if err != nil {
		return err
	}
	go carry(there, here, &line{Link: link}, dead, &n.strain)
	go carry(here, there, &line{Link: link}, dead, &n.strain)
	return nil
}

// attach makes a device in a place. Its kernel queue is long, for the link has its own: the kernel's only holds what this process
// has not come to read yet.
func (n *Network) attach(place *Place, name, address, peer string) (device *os.File, err error) {
	err = place.run(func() error {
		if device, err = newTUN(name); err != nil {
			return err
		}
		n.devices = append(n.devices, device)
		if err := ip(fmt.Sprintf("addr add %s peer %s dev %s", address, peer, name)); err != nil {
			return err
		}
		return ip(fmt.Sprintf("link set %s mtu %d txqueuelen 10000 up", name, packetSize))
	})
	return device, err
}

// Strain says what the machine, being busy, did to packets that no link would have done, empty: nothing of note.
func (n *Network) Strain() string {
	lost := int(n.strain.lost.Load())
	for _, d := range []struct {
		place  *Place
		device string
	}{{n.A, linkDevice}, {n.B, linkDevice}, {n.Broker, linkDevice + "0"}, {n.Broker, linkDevice + "1"}} {
		dropped, err := d.place.dropped(d.device)
		if err != nil {
			return err.Error()
		}
		lost += dropped
	}
	late := float64(n.strain.late.Load()) / float64(max(n.strain.carried.Load(), 1))
	if lost == 0 && late < muchLate {
		return ""
	}
	return fmt.Sprintf("the machine was busy: %.1f %% of the packets more than %v late, %d lost", 100*late, lateness, lost)
}

const (
	// linkDevice is the name of an end's device, and how those in the middle begin.
	linkDevice = "wan"

	// muchLate is from which share of late packets on a measurement says so.
	muchLate = 0.01
)

// Close ends the processes of all places and takes the network down.
func (n *Network) Close() {
	n.closing.Do(func() {
		for _, place := range []*Place{n.A, n.Broker, n.B} {
			if place != nil {
				place.close()
			}
		}
		for _, device := range n.devices {
			device.Close()
		}
	})
}
