package main

import (
	"io"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

func TestRunWithEmbeddedBroker(t *testing.T) {
	var out strings.Builder
	if err := run("", &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"(embedded)", "67108864 bytes", "what the server sent", "the broker saw", "topic", "payload", "MB/s", "round trip", "next"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestRunWithAnotherBroker(t *testing.T) {
	var out strings.Builder
	if err := run(mqtttest.Broker(t), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "the broker saw") {
		t.Errorf("the output claims to know what a foreign broker saw:\n%s", out.String())
	}
}

func TestRunWithoutBroker(t *testing.T) {
	if err := run("mqtt://127.0.0.1:1", io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "check that the broker runs") {
		t.Errorf("run without a broker: %v", err)
	}
}
