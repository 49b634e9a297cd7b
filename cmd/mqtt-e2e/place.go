package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// addressVariable holds the ADDRESS of command lines that have none.
const addressVariable = "MQTT_E2E_ADDRESS"

// A place is where a listener is.
type place struct {
	broker string // the address without the name; may hold passwords and tokens
	name   string
	parsed address.Address
}

// findPlace returns the place in the arguments or the environment, and the
// arguments that follow the address.
func (a *app) findPlace(args []string, s *settings) (place, []string, error) {
	p, rest, err := a.findBroker(args)
	switch {
	case err != nil:
		return p, rest, err
	case len(rest) > 0 && isAddress(rest[0]):
		return place{}, nil, errTwoAddresses
	case p.parsed.HasName && s.named():
		return place{}, nil, errTwoNames
	case p.parsed.HasName:
		return p, rest, nil
	case !s.named():
		return place{}, nil, usagef("the address %v has no name: write the listener's behind a #, as in %[1]v#thermostat, or give -n NAME", p.parsed)
	}
	if p.name, err = address.ParseName(s.name); err != nil {
		return place{}, nil, usagef("-n %q: %w", s.name, err)
	}
	return p, rest, nil
}

var (
	errTwoNames     = usagef("there are two names, one in the address after # and one after -n: leave one out")
	errSemicolon    = usagef("there is a semicolon between two brokers: write a comma without spaces, as in mqtt://a.example,mqtt://b.example#thermostat")
	errTwoAddresses = usagef("there are two addresses: several brokers stand in one, joined by a comma without spaces, as in mqtt://a.example,mqtt://b.example#thermostat")
)

// semicolon matches what some write between two brokers.
var semicolon = regexp.MustCompile(`;\s*[A-Za-z][A-Za-z0-9+.-]*://`)

// findBroker is findPlace without -n.
func (a *app) findBroker(args []string) (place, []string, error) {
	text, rest, inArgs := findAddress(args)
	if text == "" {
		return place{}, nil, usagef("there is no ADDRESS: write one such as mqtt://broker.example#thermostat, or set %s", addressVariable)
	}
	parsed, err := address.Parse(text)
	if err != nil && semicolon.MatchString(text) {
		return place{}, nil, errSemicolon
	}
	if err != nil {
		return place{}, nil, usage(err)
	}
	p := place{name: parsed.Name, parsed: parsed}
	p.broker, _, _ = strings.Cut(text, "#")
	switch {
	case !inArgs:
	case p.several() && p.has(aPassword):
		a.logger.Warn("every user of this machine can read the passwords in the address; put the whole ADDRESS into " + addressVariable + ", or, if all brokers have the same user and password, give --user and --password-file")
	case p.has(aPassword):
		a.logger.Warn("every user of this machine can read the password in the address; use --password-file or MQTT_E2E_PASSWORD")
	}
	if inArgs && p.has(aQuery) {
		a.logger.Warn("every user of this machine can read what follows ? in the address, a token perhaps; put the whole ADDRESS into " + addressVariable)
	}
	return p, rest, nil
}

// findAddress takes the first argument for the address unless the environment
// has one and the argument does not look like one.
func findAddress(args []string) (text string, rest []string, inArgs bool) {
	fallback := os.Getenv(addressVariable)
	if len(args) > 0 && (fallback == "" || isAddress(args[0])) {
		return args[0], args[1:], true
	}
	return fallback, args, false
}

// isAddress reports whether an argument is meant for an address.
func isAddress(text string) bool { return strings.Contains(text, "://") }

func (p place) several() bool { return len(p.parsed.Brokers) > 1 }

// has reports whether one of the brokers is of a kind.
func (p place) has(kind func(address.Broker) bool) bool {
	return slices.ContainsFunc(p.parsed.Brokers, kind)
}

func aPassword(b address.Broker) bool  { return b.Password != "" }
func aQuery(b address.Broker) bool     { return strings.Contains(b.Path, "?") }
func encryption(b address.Broker) bool { return b.Scheme == "mqtts" || b.Scheme == "wss" }

// hosts returns host and port of each broker.
func (p place) hosts() string {
	hosts := make([]string, len(p.parsed.Brokers))
	for i, broker := range p.parsed.Brokers {
		hosts[i] = broker.Host
	}
	return strings.Join(hosts, ",")
}

// public returns the address as it may be written down: without password and
// query, which may be a token.
func (p place) public() string { return p.publicBroker() + "#" + p.name }

func (p place) publicBroker() string {
	parts := address.Split(p.broker)
	for i, part := range parts {
		parts[i] = publicURL(part)
	}
	return strings.Join(parts, ",")
}

func publicURL(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	host, path, slash := strings.Cut(rest, "/")
	if slash {
		path = "/" + path
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		user, _, _ := strings.Cut(host[:i], ":")
		host = user + host[i:]
	}
	return scheme + "://" + host + path
}

// Format implements fmt.Formatter with what may be written down.
func (p place) Format(state fmt.State, _ rune) { io.WriteString(state, p.public()) }

// secretAddress matches what may be an address with a user or a query in it.
var secretAddress = regexp.MustCompile(`"?([A-Za-z][A-Za-z0-9+.-]*://)\S*[@?]\S*`)

// withoutSecrets returns the text of an error without the addresses in it that
// may have a password or a token. Whoever quotes an argument does not know that
// an address was typed there by mistake.
func withoutSecrets(text string) string { return secretAddress.ReplaceAllString(text, "$1…") }
