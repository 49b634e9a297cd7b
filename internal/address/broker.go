package address

import (
	"fmt"
	"io"
	"log/slog"
)

// A Broker is where one MQTT broker is, and what to tell it.
//
// Neither its password nor its query is ever printed: every verb of package fmt,
// log/slog and encoding/json show what String returns.
type Broker struct {
	Scheme   string // mqtt, mqtts, ws or wss
	Host     string // host:port, the port always present, IPv6 in brackets
	Path     string // path and query for ws and wss, beginning with a slash; empty for the others
	Username string // empty if there is none
	Password string // empty if there is none
}

// String returns scheme, host and port, which is all of a broker's URL that is
// fit for a log: path and query of a WebSocket URL may hold a token.
func (b Broker) String() string { return b.Scheme + "://" + b.Host }

// Format implements fmt.Formatter, so that no verb shows the password.
func (b Broker) Format(state fmt.State, verb rune) { io.WriteString(state, b.String()) }

// LogValue implements slog.LogValuer with what String returns.
func (b Broker) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalText implements encoding.TextMarshaler with what String returns, for
// handlers that find a Broker inside of something else.
func (b Broker) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// WebSocket reports whether MQTT travels inside a WebSocket.
func (b Broker) WebSocket() bool { return b.Scheme == "ws" || b.Scheme == "wss" }

// same reports whether two URLs lead to one broker under one user.
func (b Broker) same(other Broker) bool {
	b.Password, other.Password = "", ""
	return b == other
}
