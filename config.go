package mqtte2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// A Config is shared by both ends. It is read once, at first use, and must not
// be changed afterwards. A nil Config is an error, since it has no key.
//
// Key, Username and Password are never printed: package fmt and log/slog show
// the key's fingerprint and whether credentials are set.
type Config struct {
	// Key is the secret that both ends share. It is required: the zero Key is
	// refused.
	Key Key

	// Fleet says that Key is a fleet's: each name is dialled, and listened to,
	// under a key of its own, Key.Device(name). One Endpoint reaches thousands
	// of devices like that. The devices themselves have their own keys, and
	// leave Fleet false.
	Fleet bool

	// PadSize is the length of the shortest plaintext of a packet, bytes:
	// shorter ones are padded, so that their lengths tell nothing. 0 means 50,
	// negative no padding. It is at most MaxMessageSize.
	PadSize int

	// TimeWindow is how far the time in a dialer's first message may be off a
	// listener's clock. A listener remembers such messages that long, to
	// reject repeated ones; a dialer whose clock is off is told the time. 0
	// means 10 s, negative is an error.
	TimeWindow time.Duration

	// MaxMessageSize is the size of the largest MQTT payload, bytes, 512 to
	// 1 MiB. 0 means 32 KiB, which every broker that is known takes, and which
	// Mosquitto carries faster than larger ones. The smaller of both ends'
	// counts; larger ones that arrive are discarded unread. An end that
	// reaches Mosquitto by ws:// or wss:// counts with 4 KiB at most.
	MaxMessageSize int

	// PeerTimeout is the silence after which a Conn gives its peer up with
	// ErrPeerGone. 0 means 2 min, long enough for a broker to restart;
	// negative means never. A peer that was restarted is noticed sooner, at the
	// latest within a minute. The shorter of both ends' ends the Conn.
	PeerTimeout time.Duration

	// Username and Password are for the broker, empty for none. With one broker
	// in the address, each that is not empty wins over the address's. With
	// several it is the other way round: a user or a password that a broker has
	// in the address wins, and these are for the brokers without. A user in the
	// address that has no password there gets Password if Username is empty or
	// the same user.
	Username, Password string

	// TLSConfig is for mqtts:// and wss://. Nil means the system's roots and
	// the name in the address.
	TLSConfig *tls.Config

	// TopicPrefix is put verbatim before every topic; end it with a slash if
	// you want one. It must be equal on both ends, and holds no +, # or NUL
	// and no leading $.
	TopicPrefix string

	// DialContext makes the TCP connections to the brokers. Nil means
	// net.Dialer, with the proxies of the environment.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Logger gets events of connections and peers, never data or secrets; at
	// slog.LevelDebug-4 also each packet, with its frames, of Conns made while
	// that level is enabled. Nil means silence.
	Logger *slog.Logger
}

// fields lists what may be printed of a Config.
func (c Config) fields() []slog.Attr {
	return []slog.Attr{
		slog.Any("Key", c.Key),
		slog.Bool("Fleet", c.Fleet),
		slog.Int("PadSize", c.PadSize),
		slog.Duration("TimeWindow", c.TimeWindow),
		slog.Int("MaxMessageSize", c.MaxMessageSize),
		slog.Duration("PeerTimeout", c.PeerTimeout),
		slog.Bool("Username", c.Username != ""),
		slog.Bool("Password", c.Password != ""),
		slog.Bool("TLSConfig", c.TLSConfig != nil),
		slog.String("TopicPrefix", c.TopicPrefix),
		slog.Bool("DialContext", c.DialContext != nil),
		slog.Bool("Logger", c.Logger != nil),
	}
}

// Format implements fmt.Formatter. Every verb prints the same, with true or
// false for fields that hold secrets or functions: whether they are set.
func (c Config) Format(state fmt.State, verb rune) {
	separator := "mqtte2e.Config{"
	for _, field := range c.fields() {
		io.WriteString(state, separator+field.Key+": "+field.Value.Resolve().String())
		separator = ", "
	}
	io.WriteString(state, "}")
}

// LogValue implements slog.LogValuer with what Format prints.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.fields()...) }
