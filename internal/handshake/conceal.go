package handshake

import (
	"errors"
	"fmt"
	"io"
)

// redacted is embedded in every type that holds a secret: no verb of fmt, no slog handler and no encoding prints
// what stands beside it.
type redacted struct{}

// Format implements [fmt.Formatter] for every verb.
func (redacted) Format(state fmt.State, _ rune) {
	io.WriteString(state, "(secret)")
}

// MarshalText implements [encoding.TextMarshaler], which encoding/json and log/slog ask first. It always fails.
func (redacted) MarshalText() ([]byte, error) {
	return nil, errors.New("handshake: secrets are not marshalled; leave them out of logs and files")
}
