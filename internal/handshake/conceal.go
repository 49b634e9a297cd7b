package handshake

import (
	"errors"
	"fmt"
	"io"
)

// concealed is embedded in every type that holds a secret: no verb of fmt, no slog handler and no encoding prints
// what stands beside it.
type concealed struct{}

// Format implements [fmt.Formatter] for every verb.
func (concealed) Format(state fmt.State, _ rune) {
	io.WriteString(state, "(secret)")
}

// MarshalText implements [encoding.TextMarshaler], which encoding/json and log/slog ask first. It always fails.
func (concealed) MarshalText() ([]byte, error) {
	return nil, errors.New("handshake: secrets are not marshalled; leave them out of logs and files")
}
