package mqtte2e

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// parseAddress reads an address with a name, as Dial and Listen take it, and
// adds the credentials of s, which win over those in the address.
func parseAddress(text string, s *settings) (address.Address, error) {
	a, err := address.Parse(text)
	if err != nil {
		return address.Address{}, fmt.Errorf("mqtte2e: %w", err)
	}
	if s.username != "" {
		a.Username = s.username
	}
	if s.password != "" {
		a.Password = s.password
	}
	if err := checkCredentials(a); err != nil {
		return address.Address{}, err
	}
	return a, nil
}

// parseBroker reads an address without a name, as Endpoint.Broker is.
func parseBroker(text string, s *settings) (address.Address, error) {
	a, err := parseAddress(text, s)
	if err == nil && a.HasName {
		err = errors.New("mqtte2e: the address of an Endpoint's broker has a # in it: leave the name away there and pass it to Dial or Listen")
	}
	if err != nil {
		return address.Address{}, err
	}
	return a, nil
}

// checkCredentials applies MQTT 3.1.1 sections 1.5.3 and 3.1.2.9, since
// brokers answer what breaks them by hanging up.
func checkCredentials(a address.Address) error {
	switch {
	case a.Password != "" && a.Username == "":
		return errors.New("mqtte2e: there is a password for the broker but no user, which MQTT does not allow: set Config.Username too")
	case !utf8.ValidString(a.Username) || strings.ContainsRune(a.Username, 0):
		return errors.New("mqtte2e: the user for the broker is not UTF-8 or holds a NUL, which MQTT does not allow: correct Config.Username or the address")
	case len(a.Username) > maxString || len(a.Password) > maxString:
		return fmt.Errorf("mqtte2e: the user or the password for the broker has more than %d bytes, the limit of MQTT: shorten it", maxString)
	}
	return nil
}
