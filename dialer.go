package mqtte2e

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// Dial connects to the listener at address, such as
// mqtts://broker.example#thermostat, on an Endpoint of its own that ends with
// the Conn. protocols are what the stream may be for, in order of preference;
// none means the plain stream.
//
// It returns once the listener has answered and proved that it holds the key.
// The context bounds the call, not the Conn; without a deadline Dial gives up
// after 30 seconds.
func Dial(ctx context.Context, address string, config *Config, protocols ...string) (*Conn, error) {
	e, name, err := open(address, config)
	if err != nil {
		return nil, err
	}
	c, err := e.Dial(ctx, name, protocols...)
	if err != nil {
		e.Close()
		return nil, err
	}
	go e.engine.Retire()
	return c, nil
}

// Dial connects to the listener under name, as the function Dial does.
func (e *Endpoint) Dial(ctx context.Context, name string, protocols ...string) (*Conn, error) {
	name, err := e.ready(name)
	if err != nil {
		return nil, err
	}
	c, err := e.engine.Dial(ctx, name, protocols)
	if err != nil {
		return nil, e.opError("dial", name, err)
	}
	return &Conn{c}, nil
}

// DialContext is Dial for http.Transport and whoever else wants a function of
// this form. The network is tcp, tcp4 or tcp6; addr is a name, or
// name:port, whose port is ignored.
func (e *Endpoint) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	name, err := address.DialName(network, addr)
	if err != nil {
		return nil, fmt.Errorf("mqtte2e: %w", err)
	}
	c, err := e.Dial(ctx, name)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Ping sends one probe to the listener under name and returns the time until
// its answer. The probe is not repeated if it gets lost, and the listener's
// Accept does not see it.
func (e *Endpoint) Ping(ctx context.Context, name string) (time.Duration, error) {
	name, err := e.ready(name)
	if err != nil {
		return 0, err
	}
	rtt, err := e.engine.Ping(ctx, name)
	if err != nil {
		return 0, e.opError("ping", name, err)
	}
	return rtt, nil
}

// Listen accepts Conns dialled to address on an Endpoint of its own, which ends
// with the Listener and the last of its Conns. protocols are what streams may
// be for; none means the plain stream.
//
// It returns once the broker has confirmed the subscriptions. The context
// bounds the call, not the Listener.
func Listen(ctx context.Context, address string, config *Config, protocols ...string) (*Listener, error) {
	e, name, err := open(address, config)
	if err != nil {
		return nil, err
	}
	l, err := e.Listen(ctx, name, protocols...)
	if err != nil {
		e.Close()
		return nil, err
	}
	l.own = e
	return l, nil
}

// Listen accepts Conns dialled to name, as the function Listen does.
func (e *Endpoint) Listen(ctx context.Context, name string, protocols ...string) (*Listener, error) {
	name, err := e.ready(name)
	if err != nil {
		return nil, err
	}
	l, err := e.engine.Listen(ctx, name, protocols)
	if err != nil {
		return nil, e.opError("listen", name, err)
	}
	return &Listener{l: l, fleet: e.fleet, broker: e.broker}, nil
}

// ready reads a name and makes the engine at first use.
func (e *Endpoint) ready(text string) (name string, err error) {
	name, err = address.QuoteName(text)
	if err != nil {
		return "", fmt.Errorf("mqtte2e: %w", err)
	}
	return name, e.use()
}

// opError dresses an error of the engine as package net does.
func (e *Endpoint) opError(op, name string, err error) error {
	return &net.OpError{Op: op, Net: "mqtt", Addr: address.OfListener(name), Err: withHint(err, e.broker)}
}
