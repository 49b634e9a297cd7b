package mqtte2e

import (
	"errors"
	"fmt"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// parseAddress reads an address with a name, as Dial and Listen take it, and
// adds the credentials of c, which win over those in the address.
func parseAddress(text string, c *Config) (address.Address, error) {
	a, err := address.Parse(text)
	if err == nil {
		a, err = a.WithCredentials(c.Username, c.Password)
	}
	if err != nil {
		return address.Address{}, fmt.Errorf("mqtte2e: %w", err)
	}
	return a, nil
}

// parseBroker reads an address without a name, as Endpoint.Broker is.
func parseBroker(text string, c *Config) (address.Address, error) {
	a, err := parseAddress(text, c)
	if err == nil && a.HasName {
		err = errors.New("mqtte2e: the address of an Endpoint's broker has a # in it: leave out the name there and pass it to Dial or Listen")
	}
	if err != nil {
		return address.Address{}, err
	}
	return a, nil
}
