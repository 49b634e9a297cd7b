package address

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// scheme is what is known of a scheme: its canonical spelling and default port
// (mqtt and mqtts as registered with IANA, ws and wss as in RFC 6455 section 3).
type scheme struct {
	name string
	port int
}

var schemes = map[string]scheme{
	"mqtt": {"mqtt", 1883}, "tcp": {"mqtt", 1883},
	"mqtts": {"mqtts", 8883}, "ssl": {"mqtts", 8883}, "tls": {"mqtts", 8883},
	"ws": {"ws", 80}, "wss": {"wss", 443},
}

// defaultPath is where brokers serve MQTT over WebSocket by habit.
const defaultPath = "/mqtt"

// nextBroker matches what stands before a second broker: a comma with the
// broker's scheme behind it. A comma alone may stand in a password or a query.
var nextBroker = regexp.MustCompile(`,[A-Za-z][A-Za-z0-9+.-]*://`)

// spacedBroker matches the same with a space where none belongs.
var spacedBroker = regexp.MustCompile(`\s[,;]*\s*[A-Za-z][A-Za-z0-9+.-]*://`)

var schemeName = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// Parse reads an address. The error says what is wrong with it and how it is
// meant; it never repeats a user or a password.
func Parse(text string) (Address, error) {
	a, err := parse(text)
	if err != nil {
		return Address{}, fmt.Errorf("the broker's address is not usable: %w", err)
	}
	return a, nil
}

func parse(text string) (a Address, err error) {
	if err := checkText(text); err != nil {
		return Address{}, err
	}
	parts := Split(text)
	if len(parts) > MaxBrokers {
		return Address{}, fmt.Errorf("it names %d brokers; leave out some, at most %d can stand in one address", len(parts), MaxBrokers)
	}
	for i, part := range parts {
		url, name, hasName := strings.Cut(part, "#")
		broker, err := parseBroker(url, name)
		if err == nil && hasName && i < len(parts)-1 {
			err = errors.New("a # follows it; the #name stands once, at the end of the address, after the last broker")
		}
		if err != nil && len(parts) > 1 {
			err = fmt.Errorf("its %s broker: %w", ordinals[i], err)
		}
		if err != nil {
			return Address{}, err
		}
		a.Brokers = append(a.Brokers, broker)
		a.Name, a.HasName = name, hasName
	}
	if a.Name, err = ParseName(a.Name); err != nil {
		return Address{}, fmt.Errorf("what follows # is not a name: %w", err)
	}
	return a, a.checkTwins()
}

// Split splits an address at the commas between its brokers. The last part has
// the name too.
func Split(text string) (parts []string) {
	for {
		next := nextBroker.FindStringIndex(text)
		if next == nil {
			return append(parts, text)
		}
		parts, text = append(parts, text[:next[0]]), text[next[0]+1:]
	}
}

func checkText(text string) error {
	switch {
	case text == "":
		return errors.New("it is empty; write one such as mqtt://broker.example#thermostat")
	case spacedBroker.MatchString(text):
		return errors.New("it has a space before a broker; several brokers are joined by a comma alone, as in mqtt://a.example,mqtt://b.example#thermostat")
	case strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || unicode.IsControl(r) }):
		return errors.New("it has a space or a control character in it; write a space in user or password as %20")
	}
	return nil
}

// parseBroker reads the URL of one broker. name is what follows it, in which
// the rest of a password may have ended up.
func parseBroker(text, name string) (b Broker, err error) {
	kind, rest, err := parseScheme(text)
	if err != nil {
		return Broker{}, err
	}
	b.Scheme = kind.name
	authority, path := splitPath(rest)
	if strings.Contains(path, "@") || strings.Contains(name, "@") {
		return Broker{}, errors.New("an @ follows its first / ? or #; in user and password write / as %2F, ? as %3F, # as %23 and @ as %40, and elsewhere @ as %40")
	}
	if b.Username, b.Password, authority, err = parseUser(authority); err != nil {
		return Broker{}, err
	}
	if b.Host, err = parseHost(authority, kind.port); err != nil {
		return Broker{}, err
	}
	b.Path, err = parsePath(b, path)
	return b, err
}

func parseScheme(text string) (kind scheme, rest string, err error) {
	name, rest, ok := strings.Cut(text, "://")
	name = strings.ToLower(name)
	if !ok || !schemeName.MatchString(name) {
		return scheme{}, "", missingScheme(name)
	}
	kind, ok = schemes[name]
	switch {
	case ok:
		return kind, rest, nil
	case name == "http":
		return scheme{}, "", errors.New("its scheme is http; for MQTT over WebSocket write ws://")
	case name == "https":
		return scheme{}, "", errors.New("its scheme is https; for MQTT over WebSocket write wss://")
	}
	return scheme{}, "", errors.New("its scheme is unknown; it can be mqtt, mqtts, ws or wss (tcp means mqtt; ssl and tls mean mqtts)")
}

// missingScheme tells the three ways apart in which :// can be missing.
func missingScheme(text string) error {
	before, _, colon := strings.Cut(text, ":")
	if _, known := schemes[before]; known && colon {
		return errors.New("two slashes are missing after the colon of its scheme; write mqtt://broker.example")
	}
	if colon {
		return errors.New("what stands before its colon is not a scheme; put mqtt:// in front, or mqtts:// if the port is one for TLS, such as 8883")
	}
	return errors.New("it has no scheme; put mqtt:// in front, or mqtts://, ws://, wss://")
}

func splitPath(rest string) (authority, path string) {
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// parseUser splits user and password, percent-decoded, from the host. The last
// @ separates them, as everywhere (WHATWG URL, net/url).
func parseUser(authority string) (username, password, host string, err error) {
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return "", "", authority, nil
	}
	username, password, _ = strings.Cut(authority[:i], ":")
	username, err1 := url.PathUnescape(username)
	password, err2 := url.PathUnescape(password)
	// The cause is not wrapped: it quotes the text that it could not decode.
	if err1 != nil || err2 != nil {
		return "", "", "", errors.New("its user or password has a % that two hexadecimal digits do not follow; write % itself as %25")
	}
	if username == "" {
		return "", "", "", errors.New("it has an @ without a user before it; write user:password@host, or leave out the @")
	}
	return username, password, authority[i+1:], nil
}

func parsePath(b Broker, path string) (string, error) {
	if !b.WebSocket() {
		if path != "" {
			return "", fmt.Errorf("it has a path or a query, which only ws:// and wss:// have; a name follows #, as in %s://broker.example#thermostat", b.Scheme)
		}
		return "", nil
	}
	if path == "" || path[0] == '?' {
		path = defaultPath + path
	}
	// The cause is not wrapped: it quotes the path, and tokens stand in queries.
	if _, err := url.ParseRequestURI(path); err != nil {
		return "", errors.New("its path has a % that two hexadecimal digits do not follow; write % itself as %25")
	}
	return path, nil
}
