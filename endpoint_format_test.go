package mqtte2e

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestEndpointPrintsNoSecret(t *testing.T) {
	e := &Endpoint{Broker: "mqtts://ulrike77:hunter2@h", Config: &Config{Key: NewKey(), Username: "ulrike77", Password: "hunter2"}}
	if err := e.use(); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "endpoint", e)
	texts := []string{logged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, e))
	}
	for _, text := range texts {
		if strings.Contains(text, "ulrike77") || strings.Contains(text, "hunter2") || !strings.Contains(text, "mqtts://h:8883") {
			t.Errorf("printed: %s", text)
		}
	}
	if text := fmt.Sprint(&Endpoint{Broker: "mqtt://a:b@c:d:e"}); !strings.Contains(text, "not valid") {
		t.Errorf("printed: %s", text)
	}
}
