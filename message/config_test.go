package message

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestSuffixes(t *testing.T) {
	longest := strings.Repeat("x", link.MaxTopic-baseTopicLength-1)
	for suffix, want := range map[string]struct{ publish, subscribe bool }{
		"controller":  {true, true},
		"iot/esp32x":  {true, true},
		"/":           {true, true},
		"ä $":         {true, true},
		longest:       {true, true},
		longest + "x": {false, false},
		"a\x00":       {false, false},
		"\xff":        {false, false},
		"iot/#":       {false, true},
		"#":           {false, true},
		"+":           {false, true},
		"+/a/+/#":     {false, true},
		"#/a":         {false, false},
		"a#":          {false, false},
		"a+/b":        {false, false},
		"++":          {false, false},
	} {
		if got := checkSuffix("Publish", suffix, false) == nil; got != want.publish {
			t.Errorf("publish on %.20q: %v, want %v", suffix, got, want.publish)
		}
		if got := checkSuffix("Subscribe", suffix, true) == nil; got != want.subscribe {
			t.Errorf("subscribe to %.20q: %v, want %v", suffix, got, want.subscribe)
		}
	}
}

// TestWrongConfig: each mistake is told before anything is dialled, by the name of its field.
func TestWrongConfig(t *testing.T) {
	for field, change := range map[string]func(c *Config){
		"Config.Keys":             func(c *Config) { c.Keys = nil },
		"twice":                   func(c *Config) { c.Keys = []mqtte2e.Key{testKey, {1}, testKey} },
		"Config.Devices is empty": func(c *Config) { c.Fleet = testFleet },
		"Config.Fleet is not":     func(c *Config) { c.Devices = []string{"kitchen"} },
		"which seals no messages": func(c *Config) { c.Fleet, c.Devices, c.Keys = testFleet, []string{"kitchen"}, []mqtte2e.Key{testFleet} },
		`"two words"`:             func(c *Config) { c.Fleet, c.Devices = testFleet, []string{"kitchen", "two words"} },
		`has ""`:                  func(c *Config) { c.Fleet, c.Devices = testFleet, []string{""} },
		"have Kitchen twice":      func(c *Config) { c.Fleet, c.Devices = testFleet, []string{"kitchen", "garage", "Kitchen"} },
		"Config.Devices have attic twice": func(c *Config) {
			c.Fleet, c.Devices, c.Keys = testFleet, []string{"attic"}, []mqtte2e.Key{deviceKey("attic")}
		},
		"Key is missing":   func(c *Config) { c.Keys = []mqtte2e.Key{{}} },
		"neither":          func(c *Config) { c.Publish, c.Subscribe = "", "" },
		"Config.Publish":   func(c *Config) { c.Publish = "iot/#" },
		"Config.Subscribe": func(c *Config) { c.Subscribe = "a#" },
		"PadSize":          func(c *Config) { c.PadSize = MaxMessageSize + 1 },
		"TimeWindow":       func(c *Config) { c.TimeWindow = -1 },
	} {
		config := Config{Keys: []mqtte2e.Key{testKey}, Publish: "a", Subscribe: "b"}
		change(&config)
		s, err := Dial(t.Context(), "mqtt://192.0.2.1", &config)
		if s != nil || err == nil || !strings.Contains(err.Error(), field) || errors.Is(err, mqtte2e.ErrBroker) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := Dial(t.Context(), "mqtt://192.0.2.1", nil); err == nil {
		t.Error("dialled with a nil Config")
	}
}

func TestOneWaySessions(t *testing.T) {
	run(t, func(d dialer) {
		sender := d.dial(Config{Keys: []mqtte2e.Key{testKey}, Publish: "a"})
		receiver := d.dial(Config{Keys: []mqtte2e.Key{testKey}, Subscribe: "a"})
		d.send(sender, "ping")
		d.want(receiver, "ping")
		d.wantNothing(sender)
		for _, err := range []error{receiver.Send(d.Context(), nil), receiver.SendBogus(d.Context(), nil)} {
			if err == nil || !strings.Contains(err.Error(), "Config.Publish") {
				d.Errorf("a Session that only receives has sent: %v", err)
			}
		}
	})
}

func TestSecretsAreNotPrinted(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var text, log bytes.Buffer
		b := simtest.Broker(t)
		config := Config{
			Keys: []mqtte2e.Key{testKey}, Publish: "iot/x", Subscribe: "controller", AuthData: "s3cret context", Username: "u5er", Password: "p4ss",
			DialContext: b.DialContext, Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		s, err := Dial(t.Context(), simtest.Address, &config)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), []byte("ping")); err != nil {
			t.Fatal(err)
		}
		config.Logger.Info("the config is", "config", config, "pointer", &config)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			for _, value := range []any{config, &config, s, Message{Key: testKey}} {
				fmt.Fprintf(&text, format, value)
			}
		}
		for _, value := range []any{config, &config, s, Message{Key: testKey}, &Codec{Key: testKey, AuthData: "s3cret context"}} {
			leaktest.Secrets(t, value, string(testKey[:]), "s3cret", "p4ss")
		}
		s.Close()
		text.Write(log.Bytes())
		for _, secret := range []string{testKey.Hex(), "1 2 3 4 5 6", "0x1, 0x2, 0x3", "[1,2,3", "AQIDBAUG", "67305985", "s3cret", "u5er", "p4ss"} {
			if strings.Contains(text.String(), secret) {
				t.Errorf("%q was printed:\n%s", secret, &text)
			}
		}
	})
}
