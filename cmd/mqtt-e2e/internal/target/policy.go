package target

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/bind"
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
	Remote   []bind.Address      // where peers may open ports
}

// Add reads what follows --to: HOST:PORT, the default, or NAME=HOST:PORT.
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
	endpoint, err := Parse(rest)
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
	endpoint, err := Parse(text)
	if err != nil {
		return err
	}
	if p.Default != nil {
		return fmt.Errorf("%s and %s are both the target of streams that name none: write one of them as NAME=HOST:PORT", p.Default, endpoint)
	}
	p.Default = &endpoint
	return nil
}

// CheckService reports what is wrong with the name of a service: it has 1 to
// 63 of a-z 0-9 . _ -, and is not a number, which would read as a port.
func CheckService(name string) error {
	switch {
	case name == "" || len(name) > 63:
		return fmt.Errorf("the name of a service has 1 to 63 characters, %q has %d", name, len(name))
	case strings.ContainsFunc(name, notInHost):
		return fmt.Errorf("%q cannot be the name of a service: only a-z 0-9 . _ - can stand in it", name)
	case strings.Trim(name, "0123456789") == "":
		return fmt.Errorf("%q cannot be the name of a service, since it would read as a port: give it a letter", name)
	}
	return nil
}

// Service returns the target of a service; the empty name is the default.
func (p *Policy) Service(name string) (Endpoint, error) {
	if name == "" {
		if p.Default == nil {
			return Endpoint{}, fmt.Errorf("no default target: name a target or a service: %w", ErrNotAllowed)
		}
		return *p.Default, nil
	}
	endpoint, ok := p.Services[name]
	if !ok {
		return Endpoint{}, fmt.Errorf("service %q: no such service: %w", name, ErrNotAllowed)
	}
	return endpoint, nil
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
	if slices.ContainsFunc(p.Allow, func(a Allow) bool { return a.matches(endpoint) }) {
		return endpoint, nil
	}
	return Endpoint{}, fmt.Errorf("target %s: %w", endpoint, ErrNotAllowed)
}

// RemotePort reads [BIND:]PORT as a peer asked for it and returns it if the
// peer may open it.
func (p *Policy) RemotePort(text string) (bind.Address, error) {
	asked, err := bind.Parse(text)
	if err != nil {
		return bind.Address{}, err
	}
	if !slices.Contains(p.Remote, asked) {
		return bind.Address{}, fmt.Errorf("port %s: %w", asked, ErrNotAllowed)
	}
	return asked, nil
}
