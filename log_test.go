package mqtte2e_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// TestLogsHoldNoSecrets logs everything that there is to log of a life with
// outages and errors: neither the key, nor what it leads to, nor credentials,
// nor data may be in there.
func TestLogsHoldNoSecrets(t *testing.T) {
	var log lockedBuffer
	lines := new(simtest.Lines)
	config := newConfig()
	config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config.DialContext = lines.DialContext
	host := brokerWith(t, broker.Config{Username: "ulrike77", Password: "hunter2"}, nil, false)
	address := "mqtt://ulrike77:hunter2@" + host
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
	if _, err := mqtte2e.Dial(t.Context(), "mqtt://ulrike77:hunter3@"+host, config); err == nil {
		t.Error("the wrong password is accepted")
	}
	dialer.Close()
	for _, want := range []string{"dialled", "accepted", "connected to the broker", "peer-"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log", want)
		}
	}
	for _, secret := range []string{
		"ulrike77", "hunter2", "hunter3", "a secret", config.Key.Hex(),
		base64.StdEncoding.EncodeToString(config.Key[:]), base64.RawURLEncoding.EncodeToString(config.Key[:]),
	} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, &log)
		}
	}
}
