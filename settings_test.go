package mqtte2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	s, err := (&Config{Key: testKey}).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if s.Key != testKey || s.PadSize != 50 || s.TimeWindow != 10*time.Second || s.MaxMessageSize != 32<<10 || s.PeerTimeout != 2*time.Minute {
		t.Errorf("defaults are pad %d, window %v, size %d, timeout %v", s.PadSize, s.TimeWindow, s.MaxMessageSize, s.PeerTimeout)
	}
	if s.Link.TLSConfig != nil || s.Link.DialContext != nil || s.TopicPrefix != "" {
		t.Error("fields that have no default are set")
	}
	if s.Logger == nil || s.Logger.Enabled(context.Background(), slog.LevelError) {
		t.Error("the default logger is not silent")
	}
}

func TestSettingsKeepWhatIsGiven(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	tlsConfig := &tls.Config{ServerName: "h"}
	dialed := false
	dial := func(context.Context, string, string) (net.Conn, error) { dialed = true; return nil, nil }
	config := &Config{
		Key: testKey, PadSize: 512, TimeWindow: time.Hour, MaxMessageSize: 512, PeerTimeout: time.Second, Username: "u", Password: "p",
		TLSConfig: tlsConfig, TopicPrefix: "site/", DialContext: dial, Logger: logger,
	}
	s, err := config.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if s.PadSize != 512 || s.TimeWindow != time.Hour || s.MaxMessageSize != 512 || s.PeerTimeout != time.Second {
		t.Errorf("numbers are changed: pad %d, window %v, size %d, timeout %v", s.PadSize, s.TimeWindow, s.MaxMessageSize, s.PeerTimeout)
	}
	if s.TopicPrefix != "site/" || s.Logger != logger {
		t.Error("texts or the logger are changed")
	}
	if s.Link.DialContext(context.Background(), "", ""); !dialed {
		t.Error("DialContext is another function")
	}
	config.Key, tlsConfig.ServerName = Key{}, "changed"
	if s.Key != testKey || s.Link.TLSConfig.ServerName != "h" {
		t.Error("a change of the Config reached the settings")
	}
}

func TestNegativeMeansNone(t *testing.T) {
	s, err := (&Config{Key: testKey, PadSize: math.MinInt, PeerTimeout: -1}).withDefaults()
	if err != nil || s.PadSize != 0 || s.PeerTimeout != 0 {
		t.Errorf("pad %d, timeout %v, %v; want 0, 0, nil", s.PadSize, s.PeerTimeout, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		config *Config
		want   []string
	}{
		{nil, []string{"Config is nil"}},
		{&Config{}, []string{"Config.Key", "zero", "NewKey"}},
		{&Config{TimeWindow: -time.Second}, []string{"Config.TimeWindow", "-1s", "10s"}},
		{&Config{MaxMessageSize: -1}, []string{"Config.MaxMessageSize", "-1", "512"}},
		{&Config{MaxMessageSize: 511}, []string{"Config.MaxMessageSize", "511", "512"}},
		{&Config{MaxMessageSize: 1<<20 + 1}, []string{"Config.MaxMessageSize", "1048577", "1048576"}},
		{&Config{PadSize: 32<<10 + 1}, []string{"Config.PadSize", "32769", "32768", "raise Config.MaxMessageSize"}},
		{&Config{PadSize: 513, MaxMessageSize: 512}, []string{"Config.PadSize", "513", "512"}},
		{&Config{TopicPrefix: "a/+/"}, []string{"Config.TopicPrefix", `"a/+/"`, "'+'"}},
		{&Config{TopicPrefix: "#"}, []string{"Config.TopicPrefix", "'#'"}},
		{&Config{TopicPrefix: "a\x00"}, []string{"Config.TopicPrefix", `'\x00'`}},
		{&Config{TopicPrefix: "$SYS/"}, []string{"Config.TopicPrefix", `"$SYS/"`, "begins with $"}},
		{&Config{TopicPrefix: "a\xff"}, []string{"Config.TopicPrefix", "UTF-8"}},
		{&Config{TopicPrefix: strings.Repeat("a", 235)}, []string{"Config.TopicPrefix", "235 bytes", "234"}},
	} {
		if test.config != nil && test.want[0] != "Config.Key" {
			test.config.Key, test.config.Password = testKey, "hunter2"
		}
		s, err := test.config.withDefaults()
		if err == nil || s != nil {
			t.Errorf("%v is accepted", test.config)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: error %q, want %q in it", test.config, err, want)
			}
		}
		if showsKey(err.Error()) || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 250 {
			t.Errorf("the error shows a secret or is too long: %v", err)
		}
	}
}

func TestTopicPrefixMayBeAnythingElse(t *testing.T) {
	for _, prefix := range []string{"/", "a", "a$b/", "städte/köln/", "a b/", strings.Repeat("a", 234)} {
		if _, err := (&Config{Key: testKey, TopicPrefix: prefix}).withDefaults(); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestConfigPrints(t *testing.T) {
	config := Config{Key: testKey, PadSize: 7, TopicPrefix: "p/", Username: "ulrike77", Password: "hunter2", TLSConfig: &tls.Config{}}
	want := "mqtte2e.Config{Key: " + testKey.String() + ", Fleet: false, PadSize: 7, TimeWindow: 0s, MaxMessageSize: 0, PeerTimeout: 0s, Username: true, Password: true, TLSConfig: true, TopicPrefix: p/, DialContext: false, Logger: false}"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, config); got != want {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, &config); got != want {
			t.Errorf("%s of a pointer prints %s", verb, got)
		}
	}
	if got := fmt.Sprintf("%v", (*Config)(nil)); got != "<nil>" {
		t.Errorf("a nil Config prints as %q", got)
	}
}
