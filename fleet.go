package mqtte2e

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// Device returns the key of one device of the fleet whose key is k. The device is
// given that key and its name, and is configured as usual; whoever opens it has that
// one device. Who holds the fleet's key reaches each by its name, with Config.Fleet.
//
// It fails for the zero Key and for a name that Listen would refuse.
func (k Key) Device(name string) (Key, error) {
	name, err := address.QuoteName(name)
	switch {
	case err != nil:
		return Key{}, err
	case k == (Key{}):
		return Key{}, errors.New("mqtte2e: the fleet's key is zero: make one with NewKey or ParseKey")
	}
	return Key(handshake.NewRoot(k, "").Device(name)), nil
}

// SetKeys makes keys what the Listener serves from now on, in place of Config.Key. It
// returns once the broker has confirmed the subscriptions, of which there is one for
// each key. Conns under a key that is gone are reset, those of others are not
// touched. Peers are told apart by Conn.Key.
//
// After an error the Listener serves what it did before: there must be a key, none
// may be zero, and Config.Fleet, where each name has a key already, may not be set.
func (l *Listener) SetKeys(keys ...Key) error {
	switch {
	case l.fleet:
		return errors.New("mqtte2e: Config.Fleet gives each name a key of its own, so this Listener takes no others: use an Endpoint without Fleet")
	case len(keys) == 0:
		return errors.New("mqtte2e: no key to serve: pass at least one, or close the Listener")
	case slices.Contains(keys, Key{}):
		return fmt.Errorf("mqtte2e: key %d of %d is zero: make keys with NewKey or ParseKey", slices.Index(keys, Key{})+1, len(keys))
	}
	raw := make([][KeySize]byte, len(keys))
	for i, k := range keys {
		raw[i] = k
	}
	return l.opError("set keys", l.l.SetKeys(raw))
}

// Key returns the key under which the Conn was made. At a Listener that serves
// several it tells the peers apart.
func (c *Conn) Key() Key { return c.c.Key() }
