// Package address reads what users write to say where a listener is: the URLs
// of one or several brokers, followed by the listener's name as a fragment,
// such as mqtts://broker.example#thermostat or
// mqtts://a.example,wss://b.example/mqtt#thermostat.
//
// It does not use net/url for the whole, for two reasons: url.Parse accepts
// much that cannot work, and its errors repeat the text, which may hold a
// password. No error of this package quotes any part of an address that has a
// user or a password in it.
package address

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// MaxBrokers is how many brokers an address may have. Each costs a connection;
// two or three are what it takes to outlive one.
const MaxBrokers = 8

// An Address is one or several brokers, and the name of one listener behind
// them.
//
// None of its passwords and queries is ever printed: every verb of package fmt,
// log/slog and encoding/json show what String returns.
type Address struct {
	Brokers []Broker // at least one and at most MaxBrokers, all different, in the order written
	Name    string   // the listener's name in lower case; it is never sent to a broker
	HasName bool     // a # was present, so that "no name" and "the empty name" can be told apart
}

// String returns scheme, host and port of each broker, joined by commas.
func (a Address) String() string {
	texts := make([]string, len(a.Brokers))
	for i, broker := range a.Brokers {
		texts[i] = broker.String()
	}
	return strings.Join(texts, ",")
}

// Format implements fmt.Formatter, so that no verb shows a password.
func (a Address) Format(state fmt.State, verb rune) { io.WriteString(state, a.String()) }

// LogValue implements slog.LogValuer with what String returns.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText implements encoding.TextMarshaler with what String returns, for
// handlers that find an Address inside of something else.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// checkTwins looks for a broker that stands in the address twice.
func (a Address) checkTwins() error {
	for i, broker := range a.Brokers {
		for j, earlier := range a.Brokers[:i] {
			if broker.same(earlier) {
				return fmt.Errorf("its %s broker is the same as its %s: leave one of them out", ordinals[i], ordinals[j])
			}
		}
	}
	return nil
}

// ordinals say which broker of several is meant.
var ordinals = [MaxBrokers]string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"}
