package mqtte2e

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
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

// withDefaults checks c and returns what it means, but for the broker. Its errors
// name the field and its value, never a secret, and say what to do.
func (c *Config) withDefaults() (*engine.Config, error) {
	if c == nil {
		return nil, errors.New("mqtte2e: the Config is nil and so has no key: pass one with Key set")
	}
	if c.Key == (Key{}) {
		return nil, errors.New("mqtte2e: Config.Key is zero: set it with NewKey or ParseKey")
	}
	s := &engine.Config{
		Key:            c.Key,
		Fleet:          c.Fleet,
		PadSize:        max(cmp.Or(c.PadSize, defaultPadSize), 0),
		TimeWindow:     cmp.Or(c.TimeWindow, defaultTimeWindow),
		MaxMessageSize: cmp.Or(c.MaxMessageSize, defaultMessageSize),
		PeerTimeout:    max(cmp.Or(c.PeerTimeout, defaultPeerTimeout), 0),
		TopicPrefix:    c.TopicPrefix,
		Link:           link.Config{TLSConfig: c.TLSConfig.Clone(), DialContext: c.DialContext},
		Logger:         cmp.Or(c.Logger, slog.New(slog.DiscardHandler)),
	}
	if err := check(s); err != nil {
		return nil, err
	}
	return s, nil
}

// prefix begins the errors of check.
const prefix = "mqtte2e: "

func check(s *engine.Config) error {
	const messageSize = setting.Field("Config.MaxMessageSize")
	if s.TimeWindow < 0 {
		return setting.Errorf(prefix, "%v is %v: make it positive, or 0 for %v", setting.Field("Config.TimeWindow"), s.TimeWindow, defaultTimeWindow)
	}
	if s.MaxMessageSize < handshake.MinMessageSize || s.MaxMessageSize > handshake.MaxMessageSize {
		return setting.Errorf(prefix, "%v is %d: choose %d to %d bytes, or 0 for %d", messageSize, s.MaxMessageSize, handshake.MinMessageSize, handshake.MaxMessageSize, defaultMessageSize)
	}
	if s.PadSize > s.MaxMessageSize {
		return setting.Errorf(prefix, "%v is %d, more than %v, which is %d: lower %[1]v, or raise %[3]v on both ends", setting.Field("Config.PadSize"), s.PadSize, messageSize, s.MaxMessageSize)
	}
	if err := checkPrefix(s.TopicPrefix); err != nil {
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
