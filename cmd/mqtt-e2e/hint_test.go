package main

import (
	"log/slog"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
)

func TestPeerCommands(t *testing.T) {
	for _, test := range []struct{ address, to, want string }{
		{"mqtts://broker.example#box", "127.0.0.1:22", `On the other side, with the same key, run:
  ssh -o ProxyCommand='mqtt-e2e connect mqtts://broker.example#box' USER@box
or, to have it on a port:
  mqtt-e2e forward 'mqtts://broker.example#box' -L 8022
`},
		{"wss://me:secret@h/mqtt?a=b#", "db.lan:5432", `On the other side, with the same key, run:
  mqtt-e2e connect 'wss://me@h/mqtt#'
or, to have it on a port:
  mqtt-e2e forward 'wss://me@h/mqtt#' -L 5432
`},
	} {
		p, _, err := (&app{logger: slog.New(slog.DiscardHandler)}).findBroker([]string{test.address})
		if err != nil {
			t.Fatal(err)
		}
		to, err := target.Parse(test.to)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.peerCommands(to); got != test.want {
			t.Errorf("%s: it says\n%swant\n%s", test.address, got, test.want)
		}
	}
}
