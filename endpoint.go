package mqtte2e

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
)

// An Endpoint is one connection to a broker, or one to each of several, made at
// first use and kept for any number of Conns and Listeners. Lost connections are
// made again for as long as the Endpoint is open. It is safe for concurrent use,
// and must not be copied after first use.
type Endpoint struct {
	// Broker is an address without a name, such as mqtts://broker.example, or
	// that of several brokers, joined by commas.
	Broker string

	// Config is read once, at first use. It is required, for its Key.
	Config *Config

	mu     sync.Mutex // guards all below
	engine *engine.Engine
	broker address.Address
	fleet  bool // as Config.Fleet was
	closed bool
}

// Format implements fmt.Formatter. Every verb prints where the brokers are, and
// neither user nor password, which Broker and Config may hold.
func (e *Endpoint) Format(state fmt.State, verb rune) { io.WriteString(state, e.text()) }

// LogValue implements slog.LogValuer with what Format prints.
func (e *Endpoint) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalText implements encoding.TextMarshaler with what Format prints, for
// handlers that find an Endpoint inside of something else.
func (e *Endpoint) MarshalText() ([]byte, error) { return []byte(e.text()), nil }

func (e *Endpoint) text() string {
	broker := "an address that is not valid"
	if a, err := address.Parse(e.Broker); err == nil {
		broker = a.String()
	}
	return "mqtte2e.Endpoint{Broker: " + broker + "}"
}

// open returns an Endpoint of its own for the broker of an address, and the
// address's name.
func open(text string, config *Config) (*Endpoint, string, error) {
	settings, err := config.withDefaults()
	if err != nil {
		return nil, "", err
	}
	a, err := parseAddress(text, config)
	if err != nil {
		return nil, "", err
	}
	e := &Endpoint{Config: config}
	e.start(a, settings)
	return e, a.Name, nil
}

// use makes the engine at first use.
func (e *Endpoint) use() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return net.ErrClosed
	}
	if e.engine != nil {
		return nil
	}
	settings, err := e.Config.withDefaults()
	if err != nil {
		return err
	}
	a, err := parseBroker(e.Broker, e.Config)
	if err != nil {
		return err
	}
	e.start(a, settings)
	return nil
}

func (e *Endpoint) start(a address.Address, config *engine.Config) {
	config.Brokers = a.Brokers
	e.broker, e.fleet, e.engine = a, config.Fleet, engine.New(*config)
}

// Connected reports whether there is a connection to a broker at the moment:
// whether a Dial that waits does so for the listener.
func (e *Endpoint) Connected() bool {
	e.mu.Lock()
	engine := e.engine
	e.mu.Unlock()
	return engine != nil && engine.Connected()
}

// Close ends the Listeners and Conns of the Endpoint, waits up to 5 seconds for
// what they still have to deliver, and closes the connections to the brokers.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	e.closed = true
	engine := e.engine
	e.mu.Unlock()
	if engine == nil {
		return nil
	}
	return engine.Close()
}
