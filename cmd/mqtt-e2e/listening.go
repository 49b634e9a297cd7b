package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/server"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/systemd"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// listening is a Listener and whom it serves.
type listening struct {
	app      *app
	endpoint *mqtte2e.Endpoint
	place    place
	roster   *roster
	server   *server.Server
	status   *ui.Status
	ready    func() // tells the service manager, once, that starting is over

	keys []mqtte2e.Key // that the Listener serves; run's, and then follow's
}

// run listens and serves until the context ends.
func (l *listening) run(ctx context.Context) error {
	defer systemd.Notify(systemd.Stopping)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go watch(ctx, l.endpoint)
	var hangups <-chan struct{}
	if l.roster.files != nil {
		hangups = l.app.hangups.take()
	}
	listener, err := l.start(ctx)
	if err != nil {
		return causeOr(ctx, err)
	}
	l.status.Info("listening", "name", l.place.name, "broker", l.place.parsed, "key", fingerprints(l.keys))
	l.ready()
	go l.follow(ctx, listener, hangups)
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	return causeOr(ctx, l.server.Serve(listener))
}

// start listens. It tries for ever, at boot before there is a network for
// instance, but gives up if the broker refuses us for good before it let us in.
func (l *listening) start(ctx context.Context) (listener *mqtte2e.Listener, err error) {
	err = client.Retry(ctx, l.status, func() string { return l.where().Waits(false) }, "until it works", client.IsHopeless, func(ctx context.Context) (err error) {
		if listener, err = l.listen(ctx); err != nil && !client.IsHopeless(err) {
			// An absent network does not hold up the boot; a wrong password fails the
			// start.
			l.ready()
		}
		return err
	})
	return listener, err
}

// watch tells the service manager, as often as it wants to hear it, that nothing
// is stuck: the state of the Endpoint can be had.
func watch(ctx context.Context, endpoint *mqtte2e.Endpoint) {
	systemd.Watchdog(ctx, func() { endpoint.Connected() })
}

func (l *listening) listen(ctx context.Context) (*mqtte2e.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, client.AttemptTimeout)
	defer cancel()
	listener, err := l.endpoint.Listen(ctx, l.place.name, server.Protocols(l.roster.hasDefault())...)
	if err != nil {
		return nil, l.where().Explain(client.Setup(err))
	}
	l.keys = []mqtte2e.Key{l.where().Key}
	if err := l.setKeys(listener); err != nil {
		listener.Close()
		return nil, err
	}
	return listener, nil
}

func (l *listening) where() ui.Place { return ui.PlaceOf(l.endpoint, l.place.name) }

// maxFingerprints is how many fit into a line for people.
const maxFingerprints = 3

func fingerprints(keys []mqtte2e.Key) string {
	var texts []string
	for _, key := range keys[:min(len(keys), maxFingerprints)] {
		texts = append(texts, key.String())
	}
	if more := len(keys) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}
