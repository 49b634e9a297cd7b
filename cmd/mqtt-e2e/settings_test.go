package main

import (
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
)

// TestPeerTimeout is an hour unless told otherwise, for every verb.
func TestPeerTimeout(t *testing.T) {
	for argument, want := range map[string]time.Duration{
		"--pad-size=50": time.Hour, "--peer-timeout=0": time.Hour, "--peer-timeout=90s": 90 * time.Second, "--peer-timeout=-1s": -time.Second,
	} {
		var s settings
		cmd := new(cobra.Command)
		s.register(cmd)
		if err := cmd.ParseFlags([]string{argument}); err != nil {
			t.Fatal(err)
		}
		endpoint, err := new(app).endpoint(&s, place{broker: "mqtt://broker.example"}, mqtte2e.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		if got := endpoint.Config.PeerTimeout; got != want {
			t.Errorf("%s: %v, want %v", argument, got, want)
		}
	}
}
