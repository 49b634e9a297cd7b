package link

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// TestCredentialsInTheClear has a link say so once, and quote none of them.
func TestCredentialsInTheClear(t *testing.T) {
	for text, want := range map[string]string{
		"mqtt://me:hunter2@broker.example": "mqtts://",
		"mqtt://hunter2@broker.example":    "mqtts://",
		"mqtt://me:hunter2@10.0.0.1":       "mqtts://",
		"mqtt://me:hunter2@[fe80::1%25e]":  "mqtts://",
		"mqtt://me:hunter2@localhost.org":  "mqtts://",
		"ws://me:hunter2@broker.example":   "wss://",
		"ws://broker.example/?t=hunter2":   "wss://",

		"mqtt://broker.example":                "",
		"ws://broker.example/mqtt":             "",
		"mqtts://me:hunter2@broker.example":    "",
		"wss://me:hunter2@h/mqtt?t=hunter2":    "",
		"mqtt://me:hunter2@localhost":          "",
		"mqtt://me:hunter2@box.localhost":      "",
		"mqtt://me:hunter2@127.1.2.3":          "",
		"ws://me:hunter2@[::1]/?t=hunter2":     "",
		"mqtt://me:hunter2@[::ffff:127.0.0.1]": "",
	} {
		parsed, err := address.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		New(Config{Broker: parsed.Brokers[0], MaxPayload: testMaxPayload, Logger: slog.New(slog.NewTextHandler(&said, nil))}, nil)
		warned := strings.Count(said.String(), "level=WARN") == 1 && strings.Count(said.String(), "\n") == 1
		if warned != (want != "") || !strings.Contains(said.String(), want) || strings.Contains(said.String(), "hunter2") {
			t.Errorf("a link to %s says %q, want one warning that names %q, or none", text, said.String(), want)
		}
	}
}
