package client

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/server"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A log is what a command would have written on standard error.
type log struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

// warnings counts them.
func (l *log) warnings() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.String(), "level=WARN")
}

// TestRemotesThatStayClosedAreToldOnce asks for a port that is not allowed, and
// for one that another program has. Each side says so once for each, however
// long it lasts.
func TestRemotesThatStayClosedAreToldOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	allowed, err := target.ParsePort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	simtest.Run(t, func(t *testing.T) {
		var remotes []target.Remote
		for _, text := range []string{taken.Addr().String() + ":127.0.0.1:1", "9000:127.0.0.1:1"} {
			remote, err := target.ParseRemote(text)
			if err != nil {
				t.Fatal(err)
			}
			remotes = append(remotes, remote)
		}
		config := &mqtte2e.Config{Key: mqtte2e.NewKey(), DialContext: simtest.Broker(t).DialContext}
		there := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
		defer there.Close()
		var listens, forwarded log
		policy := target.Policy{Remote: []target.Port{allowed}}
		everyone := func(mqtte2e.Key) server.Peer { return server.Peer{Name: "everyone", Policy: policy} }
		protocols := server.Protocols(false)
		server := server.New(everyone, false, slog.New(slog.NewTextHandler(&listens, nil)))
		listener, err := there.Listen(t.Context(), "box", protocols...)
		if err != nil {
			t.Fatal(err)
		}
		go server.Serve(listener)
		here := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
		defer here.Close()
		logger := slog.New(slog.NewTextHandler(&forwarded, nil))
		client := New(here, "box", remotes, logger)
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := client.Keep(ctx, false, ui.NewStatus(logger)); err != nil {
			t.Error(err)
		}
		if here, there := forwarded.warnings(), listens.warnings(); here != 2 || there != 2 {
			t.Errorf("%d and %d warnings in an hour, want 2 on each side:\n%s\n%s", here, there, &forwarded.Buffer, &listens.Buffer)
		}
	})
}
