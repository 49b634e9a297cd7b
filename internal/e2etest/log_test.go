package e2etest

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// TestLogsHoldNoSecrets logs everything that there is to log of a life with
// outages and errors: neither the key, nor what it leads to, nor credentials,
// nor data may be in there.
func TestLogsHoldNoSecrets(t *testing.T) {
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	t.Run("text", func(t *testing.T) {
		var log simtest.Buffer
		logsHoldNoSecrets(t, &log, slog.NewTextHandler(&log, options))
	})
	t.Run("json", func(t *testing.T) {
		var log simtest.Buffer
		logsHoldNoSecrets(t, &log, slog.NewJSONHandler(&log, options))
	})
}

func logsHoldNoSecrets(t *testing.T, log *simtest.Buffer, handler slog.Handler) {
	lines := new(simtest.Lines)
	config := newConfig()
	config.Logger = slog.New(handler)
	config.DialContext = lines.DialContext
	host := brokerWith(t, broker.Config{Username: "ulrike77", Password: "hunter2"}, nil, true)
	address := "ws://ulrike77:hunter2@" + host + "/mqtt?token=t0ken"
	dialer, listener := endpoints(t, address, config)
	dialed, accepted, err := connect(dialer, listener)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		lines.Cut()
		go io.WriteString(dialed, "a secret")
		if _, err := io.ReadFull(accepted, make([]byte, len("a secret"))); err != nil {
			t.Fatal(err)
		}
	}
	late, err := dialer.Dial(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("a Conn that nobody accepted can be read")
	}
	if _, err := mqtte2e.Dial(t.Context(), "ws://ulrike77:hunter3@"+host+"?token=t0ken", config); err == nil {
		t.Error("the wrong password is accepted")
	}
	for _, value := range []any{config, dialer, listener, dialed, accepted, &mux.Dialer{Endpoint: dialer}} {
		leaktest.Secrets(t, value, "hunter2", "t0ken", string(config.Key[:]))
	}
	dialer.Close()
	for _, want := range []string{"dialled", "accepted", "connected to the broker", "peer-"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log", want)
		}
	}
	for _, secret := range []string{"ulrike77", "hunter2", "hunter3", "t0ken", "a secret", string(config.Key[:])} {
		if leaktest.Shows(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
}
