package mqtte2e

import (
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// TestNothingShowsSecrets prints everything that holds a password, a key or an
// address with a token.
func TestNothingShowsSecrets(t *testing.T) {
	key := Key([]byte("sixteen secrets!"))
	secrets := []string{"hunter2", "hunter3", "t0ken", string(key[:])}
	const broker = "ws://ulrike77:hunter2@127.0.0.1:1/mqtt?token=t0ken,mqtt://ulrike78:hunter3@127.0.0.1:1"
	config := &Config{Key: key, Username: "ulrike77", Password: "hunter2"}
	endpoint := &Endpoint{Broker: broker, Config: config}
	if err := endpoint.use(); err != nil {
		t.Fatal(err)
	}
	defer endpoint.Close()
	settings, err := config.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	linkConfig := link.Config{Broker: endpoint.broker.Brokers[0], MaxPayload: 1 << 10, Logger: settings.Logger}
	engineConfig := engine.Config{Key: key, Brokers: endpoint.broker.Brokers, Link: linkConfig, Logger: settings.Logger}
	for _, value := range []any{
		key, &key, *config, config, endpoint, &Endpoint{Broker: broker}, settings, *settings, endpoint.broker, &endpoint.broker,
		endpoint.engine, engineConfig, &engineConfig, linkConfig, &linkConfig, linkConfig.Broker, &linkConfig.Broker, link.New(linkConfig, nil),
	} {
		leaktest.Secrets(t, value, secrets...)
	}
}
