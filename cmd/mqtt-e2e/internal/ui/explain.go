package ui

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// A Place is where the command looks for its listener: what an error names.
type Place struct {
	At     address.Address // of which the brokers count
	Name   string
	Key    mqtte2e.Key
	Filter string // the flag that says which messages are received
}

// PlaceOf returns the Place of the listener under name behind an Endpoint; name and
// address are valid.
func PlaceOf(endpoint *mqtte2e.Endpoint, name string) Place {
	at, _ := address.Parse(endpoint.Broker)
	key := endpoint.Config.Key
	if endpoint.Config.Fleet {
		key, _ = key.Device(name)
	}
	return Place{At: at, Name: name, Key: key}
}

// An Error is an error in the words of this package.
type Error struct {
	text  string
	cause error
}

func (e *Error) Error() string { return e.text }
func (e *Error) Unwrap() error { return e.cause }

// Wrap returns an Error with a text for people and a cause for errors.Is.
func Wrap(cause error, format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...), cause}
}

// Explain returns err in the words of this package if it is of the library. It
// leaves alone what was explained already, and what the command said itself.
func (p Place) Explain(err error) error {
	var explained *Error
	if err == nil || errors.As(err, &explained) {
		return err
	}
	if text := p.text(err); text != "" {
		return &Error{text, err}
	}
	return err
}

func (p Place) text(err error) string {
	var known *engine.Error
	var field *setting.Error
	var op *net.OpError
	switch {
	case errors.Is(err, engine.ErrRevokedThere):
		return fmt.Sprintf("the listener does not serve %v any more: who runs it has shut that out, or changed it", p.Key)
	case errors.As(err, &known):
		return p.known(known)
	case errors.As(err, &field):
		return field.In(p.flag)
	case errors.Is(err, mqtte2e.ErrBroker):
		return p.broker(err)
	case errors.Is(err, mqtte2e.ErrNoAnswer):
		return p.noAnswer(err)
	case errors.As(err, &op) && op.Net == "mqtt" && errors.Is(err, syscall.ECONNRESET):
		return "the other side broke the connection off: its target did, or its program ended"
	}
	return ""
}

func (p Place) known(err *engine.Error) string {
	var field *setting.Error
	switch {
	case err.Kind == mqtte2e.ErrBroker:
		return p.broker(err.Cause)
	case err.Kind == engine.ErrOffline && errors.As(err.Cause, &field):
		return "the broker is gone: " + field.In(p.flag)
	case err.Kind == mqtte2e.ErrPeerGone && errors.As(err.Cause, &field):
		return "the other side is gone: " + field.In(p.flag)
	case err.Kind == mqtte2e.ErrNoAnswer && errors.As(err.Cause, &field):
		return fmt.Sprintf("nobody answered as %v: %s", p, field.In(p.flag))
	case err.Kind == mqtte2e.ErrRefused:
		return "the listener refused " + err.Text
	case err.Cause == nil:
		return "nobody answered " + err.Text
	}
	return p.noAnswer(err.Cause)
}

// noAnswer says what to check where the brokers that are connected brought no answer;
// cause has those that are not.
func (p Place) noAnswer(cause error) string {
	there, broker := "there", "the broker lets"
	if p.several() {
		there, broker = "at one of these brokers", "they let"
	}
	text := fmt.Sprintf("nobody answered as %v: check that listen runs %s, that name, key (listen shows its fingerprint) and --topic-prefix are equal on both sides, and what %s both do", p, there, broker)
	var unconnected link.BrokerErrors
	if errors.As(cause, &unconnected) && len(unconnected) > 0 {
		text += "; one broker that works has to be in both lists, and here " + p.each(unconnected)
	}
	return text
}

// Waits says what a call waits for that has got nowhere yet. connected says
// whether a broker is reached.
func (p Place) Waits(connected bool) string {
	switch {
	case connected && p.several():
		return fmt.Sprintf("nobody has answered yet as %v: does listen run at one of these brokers, with this name and key?", p)
	case connected:
		return fmt.Sprintf("nobody has answered yet as %v: does listen run there, with this name and key?", p)
	case p.several():
		return fmt.Sprintf("no answer yet from any of %s: are hosts and ports right, and the network up?", p.brokers())
	}
	return fmt.Sprintf("no answer yet from %s: are host and port right, and the network up?", p.brokers())
}

// String names the listener, its key and its brokers.
func (p Place) String() string {
	return fmt.Sprintf("%q with %v at %s", p.Name, p.Key, p.At)
}

// flag is what the command calls a field of a Config.
func (p Place) flag(field setting.Field) string {
	if field == "Config.Subscribe" {
		return p.Filter
	}
	if name, known := flags[field]; known {
		return name
	}
	return string(field)
}

var flags = map[setting.Field]string{
	"PadSize":               "--pad-size",
	"Config.PadSize":        "--pad-size",
	"Config.MaxMessageSize": "--max-message-size",
	"Config.PeerTimeout":    "--peer-timeout",
	"Config.TopicPrefix":    "--topic-prefix",
	"Config.Username":       "--user",
	"Config.Publish":        "--topic",
	"Config.Devices":        "--device",
	"Config.Keys":           "--key-file",
	"TimeWindow":            "--time-window",
}
