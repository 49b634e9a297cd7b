// Package address reads what users write to say where a listener is: a broker
// URL whose fragment is the listener's name, such as
// mqtts://broker.example#thermostat.
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
)

// An Address is one broker and the name of one listener behind it.
//
// Neither its password nor its query is ever printed: every verb of package fmt,
// log/slog and encoding/json show what String returns.
type Address struct {
	Scheme   string // mqtt, mqtts, ws or wss
	Host     string // host:port, the port always present, IPv6 in brackets
	Path     string // path and query for ws and wss, beginning with a slash; empty for the others
	Username string // for the broker; empty if there is none
	Password string // for the broker; empty if there is none
	Name     string // the listener's name in lower case; it is never sent to the broker
	HasName  bool   // a # was present, so that "no name" and "the empty name" can be told apart
}

// String returns scheme, host and port, which is all of an address that is
// fit for a log: path and query of a WebSocket URL may hold a token.
func (a Address) String() string { return a.Scheme + "://" + a.Host }

// Format implements fmt.Formatter, so that no verb shows the password.
func (a Address) Format(state fmt.State, verb rune) {
	io.WriteString(state, a.String())
}

// LogValue implements slog.LogValuer with what String returns.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText implements encoding.TextMarshaler with what String returns, for
// handlers that find an Address inside of something else.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// WebSocket reports whether MQTT travels inside a WebSocket.
func (a Address) WebSocket() bool { return a.Scheme == "ws" || a.Scheme == "wss" }
