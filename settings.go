package mqtte2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

const (
	// defaultPadSize covers the keystrokes and prompts of a terminal, whose
	// lengths would tell what is typed. Bytes; chosen by the sealed messages
	// that this protocol succeeds (toit-mqtt-e2e).
	defaultPadSize = 50

	// defaultTimeWindow is what a clock kept by NTP never misses.
	defaultTimeWindow = 10 * time.Second

	// defaultMessageSize is what brokers carry fastest, and 128 of such
	// messages are the 4 MiB that may be in flight. From some 50 KiB on
	// Mosquitto, or glibc below it, gives the memory of every message back to
	// the kernel and asks for it again: 200 page faults a megabyte, and a
	// quarter less throughput.
	defaultMessageSize = 32 << 10

	// defaultPeerTimeout outlasts the restart of a broker.
	defaultPeerTimeout = 2 * time.Minute

	// maxPrefix is the length of the longest TopicPrefix, bytes. With the 22
	// bytes that follow it a topic has at most 256, which every service takes
	// (AWS IoT Core allows no more).
	maxPrefix = 256 - 22
)

// settings is a Config that was checked, with every default filled in. It is
// never changed, and passed by pointer only: package fmt would show the key of
// one that stands in an unexported field of another struct.
type settings struct {
	key                Key
	padSize            int // bytes, 0 to handshake.MaxMessageSize; 0 means no padding
	timeWindow         time.Duration
	maxMessageSize     int           // bytes
	peerTimeout        time.Duration // 0 means never
	username, password string        // as in Config: the address is not consulted yet
	tlsConfig          *tls.Config   // a copy; nil if none was given
	topicPrefix        string
	dialContext        func(ctx context.Context, network, address string) (net.Conn, error) // nil means the link's own
	logger             *slog.Logger                                                         // never nil
}

// Format implements fmt.Formatter: no verb prints what is in it.
func (settings) Format(state fmt.State, _ rune) { io.WriteString(state, "mqtte2e.settings(hidden)") }

// withDefaults checks c and returns what it means. Its errors name the field
// and its value, never a secret, and say what to do.
func (c *Config) withDefaults() (*settings, error) {
	if c == nil {
		return nil, errors.New("mqtte2e: the Config is nil and so has no key: pass one with Key set")
	}
	if c.Key == (Key{}) {
		return nil, errors.New("mqtte2e: Config.Key is zero: set it with NewKey or ParseKey")
	}
	s := &settings{
		key:            c.Key,
		padSize:        orDefault(c.PadSize, defaultPadSize),
		timeWindow:     orDefault(c.TimeWindow, defaultTimeWindow),
		maxMessageSize: orDefault(c.MaxMessageSize, defaultMessageSize),
		peerTimeout:    orDefault(c.PeerTimeout, defaultPeerTimeout),
		username:       c.Username,
		password:       c.Password,
		tlsConfig:      c.TLSConfig.Clone(),
		topicPrefix:    c.TopicPrefix,
		dialContext:    c.DialContext,
		logger:         c.Logger,
	}
	s.padSize = max(s.padSize, 0)
	s.peerTimeout = max(s.peerTimeout, 0)
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// prefix begins the errors of settings.
const prefix = "mqtte2e: "

func (s *settings) check() error {
	const messageSize = setting.Field("Config.MaxMessageSize")
	if s.timeWindow < 0 {
		return setting.Errorf(prefix, "%v is %v: make it positive, or 0 for %v", setting.Field("Config.TimeWindow"), s.timeWindow, defaultTimeWindow)
	}
	if s.maxMessageSize < handshake.MinMessageSize || s.maxMessageSize > handshake.MaxMessageSize {
		return setting.Errorf(prefix, "%v is %d: choose %d to %d bytes, or 0 for %d", messageSize, s.maxMessageSize, handshake.MinMessageSize, handshake.MaxMessageSize, defaultMessageSize)
	}
	if s.padSize > s.maxMessageSize {
		return setting.Errorf(prefix, "%v is %d, more than %v, which is %d: lower %[1]v, or raise %[3]v on both ends", setting.Field("Config.PadSize"), s.padSize, messageSize, s.maxMessageSize)
	}
	if err := checkPrefix(s.topicPrefix); err != nil {
		return setting.Errorf(prefix, "%v %v", setting.Field("Config.TopicPrefix"), err)
	}
	return nil
}

// checkPrefix applies MQTT 3.1.1 section 4.7. The error continues a sentence.
func checkPrefix(prefix string) error {
	switch i := strings.IndexAny(prefix, "+#\x00"); {
	case i >= 0:
		return fmt.Errorf("%s has the character %q, which no topic may have: take it out", brief(prefix), prefix[i])
	case strings.HasPrefix(prefix, "$"):
		return fmt.Errorf("%s begins with $, which is for topics of the broker itself: begin it with something else", brief(prefix))
	case !utf8.ValidString(prefix):
		return fmt.Errorf("%s is not UTF-8, which topics must be: re-encode it", brief(prefix))
	case len(prefix) > maxPrefix:
		return fmt.Errorf("%s has %d bytes: shorten it to %d or fewer", brief(prefix), len(prefix), maxPrefix)
	}
	return nil
}

// brief quotes at most the first 40 bytes of text, so that an error stays a
// line.
func brief(text string) string {
	if len(text) > 40 {
		return fmt.Sprintf("%q...", text[:40])
	}
	return fmt.Sprintf("%q", text)
}
