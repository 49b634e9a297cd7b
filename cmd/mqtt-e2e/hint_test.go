package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
)

func TestPeerCommands(t *testing.T) {
	for _, test := range []struct {
		address  string
		settings settings
		to       []string
		want     string
	}{
		{"mqtts://broker.example#box", settings{}, []string{"127.0.0.1:22"}, `On the other side, with the same key, run:
  ssh -o ProxyCommand='mqtt-e2e connect mqtts://broker.example#box' USER@box
or, to have it on a port:
  mqtt-e2e forward mqtts://broker.example#box -L 8022
`},
		{"wss://me:secret@h/mqtt?a=b#", settings{}, []string{"db.lan:5432"}, `On the other side, with the same key, run:
  mqtt-e2e connect wss://me@h/mqtt#
or, to have it on a port:
  mqtt-e2e forward wss://me@h/mqtt# -L 5432
`},
		{"mqtts://h#box", settings{keyFiles: []string{"/here"}, user: "me", caFile: "/ca.pem", topicPrefix: "my fleet", peerTimeout: time.Minute}, []string{"22"}, `On the other side, with the same key, run:
  ssh -o ProxyCommand='mqtt-e2e connect --user me --ca-file /ca.pem --topic-prefix '\''my fleet'\'' --peer-timeout 1m0s mqtts://h#box' USER@box
or, to have it on a port:
  mqtt-e2e forward --user me --ca-file /ca.pem --topic-prefix 'my fleet' --peer-timeout 1m0s mqtts://h#box -L 8022
`},
		{"mqtts://h#box", settings{}, []string{"web=8080", "api=db.lan:8080"}, `On the other side, with the same key, run:
  mqtt-e2e forward mqtts://h#box -L 8080:api -L 8081:web
`},
		{"mqtts://h#box", settings{}, []string{"80", "web=8080"}, `On the other side, with the same key, run:
  mqtt-e2e connect mqtts://h#box
or, to have it on a port:
  mqtt-e2e forward mqtts://h#box -L 8080 -L 8081:web
`},
		{"mqtts://h#box", settings{}, nil, ""},
	} {
		a := &app{logger: slog.New(slog.DiscardHandler)}
		p, _, err := a.findBroker([]string{test.address})
		if err != nil {
			t.Fatal(err)
		}
		var policy target.Policy
		for _, to := range test.to {
			if err := policy.Add(to); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := a.peerCommands(&test.settings, p, policy); err != nil || got != test.want {
			t.Errorf("%s: it says, with %v,\n%swant\n%s", test.address, err, got, test.want)
		}
	}
}
