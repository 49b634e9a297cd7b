package main

import (
	"log/slog"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
)

func TestPlaceShowsNoSecret(t *testing.T) {
	a := &app{logger: slog.New(slog.DiscardHandler)}
	for text, want := range map[string]string{
		"mqtts://broker.example#box":                                        "mqtts://broker.example#box",
		"mqtt://me:hunt@er5x@[::1]:1#box":                                   "mqtt://me@[::1]:1#box",
		"mqtt://me@h#box":                                                   "mqtt://me@h#box",
		"wss://me:hunt@er5x@h/a/b?token=t0ken@h#box":                        "",
		"wss://me:hunt@er5x@h/a/b?token=t0ken/x?y#box":                      "wss://me@h/a/b#box",
		"ws://h?token=t0ken#box":                                            "ws://h#box",
		"mqtt://a,ws://me:hunt@er5x@h?token=t0ken,mqtts://you:er5x@b:1#box": "mqtt://a,ws://me@h,mqtts://you@b:1#box",
		"wss://h/x,y?token=t0ken,,mqtts://you:er5x,z@b#box":                 "wss://h/x,y,mqtts://you@b#box",
		"ws://me%40x:hunt%2Fer5x@h:1/?token=t0ken&a#box":                    "ws://me%40x@h:1/#box",
	} {
		p, _, err := a.findBroker([]string{text})
		if (err != nil) != (want == "") {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil {
			continue
		}
		if got := p.public(); got != want {
			t.Errorf("of %s is shown %s, want %s", text, got, want)
		}
		leaktest.Secrets(t, p, "er5x", "t0ken")
		leaktest.Secrets(t, &p, "er5x", "t0ken")
	}
	source := secrets.Source{File: "key"}
	copy(source.Key[:], markedKey)
	leaktest.Secrets(t, source, markedKey)
	leaktest.Secrets(t, []secrets.Source{source}, markedKey)
}

func TestWithoutSecrets(t *testing.T) {
	for text, want := range map[string]string{
		`"wss://me:hunter2@h/mqtt?a=b#n" is one argument too many`:    `wss://… is one argument too many`,
		"-L ws://h?token=hunter2: the port is wrong":                  "-L ws://… the port is wrong",
		"nobody answered at mqtts://h:8883#n: write mqtt:// or ws://": "nobody answered at mqtts://h:8883#n: write mqtt:// or ws://",
		`there is no verb "conect": did you mean connect?`:            `there is no verb "conect": did you mean connect?`,
	} {
		if got := withoutSecrets(text); got != want {
			t.Errorf("of %s remains %s, want %s", text, got, want)
		}
	}
}
