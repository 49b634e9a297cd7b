package target

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// ErrNotAllowed is what a Policy returns for targets and ports that it does
// not have.
var ErrNotAllowed = errors.New("not allowed by the listener")

// A Policy says what peers of a listener may reach. The zero Policy allows
// nothing.
type Policy struct {
	Default  *Endpoint           // of streams that name no target; nil: there is none
	Services map[string]Endpoint // by name
	Allow    []Allow             // other targets that peers may name
	Remote   []Port              // where peers may open ports
}

// Add reads what follows --to: [HOST:]PORT, the default, or NAME=[HOST:]PORT. A
// port alone is one of this machine.
func (p *Policy) Add(text string) error {
	name, rest, named := strings.Cut(text, "=")
	if !named {
		return p.addDefault(text)
	}
	if err := CheckService(name); err != nil {
		return err
	}
	if _, taken := p.Services[name]; taken {
		return fmt.Errorf("the service %q has two targets: give it one", name)
	}
	endpoint, err := parseHere(rest)
	if err != nil {
		return err
	}
	if p.Services == nil {
		p.Services = make(map[string]Endpoint)
	}
	p.Services[name] = endpoint
	return nil
}

func (p *Policy) addDefault(text string) error {
	endpoint, err := parseHere(text)
	if err != nil {
		return err
	}
	if p.Default != nil {
		return fmt.Errorf("%s and %s are both the target of streams that name none: write one of them as NAME=HOST:PORT", p.Default, endpoint)
	}
	p.Default = &endpoint
	return nil
}

func parseHere(text string) (Endpoint, error) {
	if IsNumber(text) {
		text = Loopback + ":" + text
	}
	return Parse(text)
}

// IsNumber reports whether text can only be a port.
func IsNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// CheckService reports what is wrong with the name of a service: it has 1 to
// 63 of a-z 0-9 . _ -, and is not a number, which would read as a port.
func CheckService(name string) error {
	switch {
	case name == "" || len(name) > 63:
		return fmt.Errorf("the name of a service has 1 to 63 characters, %q has %d", name, len(name))
	case strings.ContainsFunc(name, notInHost):
		return fmt.Errorf("%q cannot be the name of a service: only a-z 0-9 . _ - can stand in it", name)
	case IsNumber(name):
		return fmt.Errorf("%q cannot be the name of a service, since it would read as a port: give it a letter", name)
	}
	return nil
}

// Service returns the target of a service; the empty name is the default.
func (p *Policy) Service(name string) (Endpoint, error) {
	if name == "" {
		if p.Default == nil {
			return Endpoint{}, ui.Wrap(ErrNotAllowed, "there is no default target: start the listener again with --to HOST:PORT, or name a service: %s", p.list())
		}
		return *p.Default, nil
	}
	endpoint, ok := p.Services[name]
	if !ok {
		return Endpoint{}, ui.Wrap(ErrNotAllowed, "no such service: %q: %s", name, p.list())
	}
	return endpoint, nil
}

// list says which services there are.
func (p *Policy) list() string {
	if len(p.Services) == 0 {
		return "the listener has none"
	}
	return "the listener has " + strings.Join(slices.Sorted(maps.Keys(p.Services)), ", ")
}

// Target reads HOST:PORT as a peer named it and returns it if it may be
// reached: it matches an Allow, or is the target of a service.
func (p *Policy) Target(text string) (Endpoint, error) {
	endpoint, err := Parse(text)
	if err != nil {
		return Endpoint{}, err
	}
	if p.Default != nil && *p.Default == endpoint {
		return endpoint, nil
	}
	for _, service := range p.Services {
		if service == endpoint {
			return endpoint, nil
		}
	}
	allowed := false
	for _, a := range p.Allow {
		if a.matches(endpoint) {
			if a.names() {
				return endpoint, nil
			}
			allowed = true
		}
	}
	if !allowed {
		return Endpoint{}, fmt.Errorf("target %s: %w: start it again with --allow %[1]s", endpoint, ErrNotAllowed)
	}
	endpoint.unnamed = true
	return endpoint, nil
}

// RemotePort reads [BIND:]PORT as a peer asked for it and returns it if the
// peer may open it.
func (p *Policy) RemotePort(text string) (Port, error) {
	asked, err := ParsePort(text)
	if err != nil {
		return Port{}, err
	}
	if !slices.Contains(p.Remote, asked) {
		return Port{}, fmt.Errorf("port %s: %w: start it again with --allow-remote %[1]s", asked, ErrNotAllowed)
	}
	return asked, nil
}
