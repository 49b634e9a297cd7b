package message

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// A Config says what a [Session] speaks about and with whom. It is read once, by [Dial], and is not changed.
//
// Keys, Fleet and Password are never printed: package fmt and log/slog show fingerprints, and whether there are credentials.
type Config struct {
	// Keys are the secrets shared with the far side. Most have one. A controller whose devices each have a key of their own gives all of
	// them, and is told with each message under which it was sealed. Where they are a fleet, see Devices, there need be none.
	Keys []mqtte2e.Key

	// Devices are the names of the devices of a fleet that the Session speaks with, and Fleet is the fleet's key: each device is reached
	// under a key of its own, Fleet.Device(name), and messages say from which they are. A device itself has its own key in Keys, and
	// cannot tell that there is a fleet.
	Fleet   mqtte2e.Key
	Devices []string

	// Publish is the suffix of the topic that is sent to, under each key (see Topic). "": the Session only receives.
	Publish string

	// Subscribe is the suffix of the topic that is listened to, under each key; + and # stand for any level and any rest, as always in
	// MQTT. "": the Session only sends.
	Subscribe string

	AuthData   string           // as Codec.AuthData
	PadSize    int              // as Codec.PadSize
	TimeWindow time.Duration    // as Codec.TimeWindow
	Now        func() time.Time // as Codec.Now, such as the Now of an NTP

	Username, Password string      // for the broker; they win over the address. Of several brokers, for those without
	TLSConfig          *tls.Config // for mqtts:// and wss://

	// DialContext connects to the broker. nil: net.Dialer, with the proxies of the environment.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	Logger *slog.Logger // nil: silent
}

// prefix begins the errors of settings.
const prefix = "message: "

const (
	keys      = setting.Field("Config.Keys")
	fleet     = setting.Field("Config.Fleet")
	devices   = setting.Field("Config.Devices")
	publish   = setting.Field("Config.Publish")
	subscribe = setting.Field("Config.Subscribe")
)

// check returns what is wrong with c beyond what Codec and the address say of their parts.
func (c *Config) check() error {
	if c == nil {
		c = &Config{}
	}
	inFleet := c.Fleet != mqtte2e.Key{}
	switch {
	case inFleet && len(c.Devices) == 0:
		return setting.Errorf(prefix, "%v is set and %v is empty: name the devices that are meant", fleet, devices)
	case !inFleet && len(c.Devices) > 0:
		return setting.Errorf(prefix, "%v is set and %v is not: set the key of the fleet that they are of", devices, fleet)
	case inFleet && slices.Contains(c.Keys, c.Fleet):
		return setting.Errorf(prefix, "%v has the key of %v, which seals no messages itself: leave it away there", keys, fleet)
	case !inFleet && len(c.Keys) == 0:
		return setting.Errorf(prefix, "%v is empty: set the key that both ends share, or %v and %v", keys, fleet, devices)
	case c.Publish == "" && c.Subscribe == "":
		return setting.Errorf(prefix, "neither %v nor %v is set: a device has iot/NAME and controller, its controller the reverse, with iot/# to hear all", publish, subscribe)
	}
	return errors.Join(checkSuffix(publish, c.Publish, false), checkSuffix(subscribe, c.Subscribe, true))
}

// peers returns whom the Session speaks with, without codecs and topics, or an error if two are one.
func (c *Config) peers() ([]*peer, error) {
	var peers []*peer
	for _, key := range c.Keys {
		peers = append(peers, &peer{key: key})
	}
	for _, name := range c.Devices {
		key, err := c.Fleet.Device(name)
		if err != nil || name == "" {
			return nil, setting.Errorf(prefix, "%v has %q, which names no device: a name has 1 to %d of a-z 0-9 . _ -", devices, name, address.MaxName)
		}
		peers = append(peers, &peer{key: key, device: name})
	}
	seen := make(map[mqtte2e.Key]bool)
	for _, p := range peers {
		if seen[p.key] {
			return nil, setting.Errorf(prefix, "%v and %v have %v twice: give each once", keys, devices, p)
		}
		seen[p.key] = true
	}
	return peers, nil
}

// checkSuffix applies the rules of MQTT 3.1.1 section 4.7 to what will follow a base topic and a slash.
func checkSuffix(field setting.Field, suffix string, filter bool) error {
	if !utf8.ValidString(suffix) || strings.ContainsRune(suffix, 0) {
		return setting.Errorf(prefix, "%v is not UTF-8 or holds a NUL: MQTT allows neither in a topic", field)
	}
	if baseTopicLength+1+len(suffix) > link.MaxTopic {
		return setting.Errorf(prefix, "%v has %d bytes: it may have %d", field, len(suffix), link.MaxTopic-baseTopicLength-1)
	}
	if !strings.ContainsAny(suffix, "+#") {
		return nil
	}
	if !filter {
		return setting.Errorf(prefix, "%v is %q: + and # are for subscribing only", field, suffix)
	}
	levels := strings.Split(suffix, "/")
	for i, level := range levels {
		last := i == len(levels)-1
		if strings.ContainsAny(level, "+#") && level != "+" && !(level == "#" && last) {
			return setting.Errorf(prefix, "%v is %q: + and # stand alone between slashes, and # only at the end", field, suffix)
		}
	}
	return nil
}

func (c *Config) newCodec(key mqtte2e.Key) *Codec {
	return &Codec{Key: key, AuthData: c.AuthData, PadSize: c.PadSize, TimeWindow: c.TimeWindow, Now: c.Now}
}

// LogValue implements slog.LogValuer: true or false stand for fields that may hold secrets, whether they are set.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("Keys", fmt.Sprint(c.Keys)),
		slog.Any("Fleet", c.Fleet),
		slog.String("Devices", fmt.Sprint(c.Devices)),
		slog.String("Publish", c.Publish),
		slog.String("Subscribe", c.Subscribe),
		slog.Bool("AuthData", c.AuthData != ""),
		slog.Int("PadSize", c.PadSize),
		slog.Duration("TimeWindow", c.TimeWindow),
		slog.Bool("Username", c.Username != ""),
		slog.Bool("Password", c.Password != ""),
	)
}

// Format implements fmt.Formatter. Every verb prints the same as LogValue.
func (c Config) Format(state fmt.State, verb rune) {
	io.WriteString(state, "message.Config"+c.LogValue().String())
}
