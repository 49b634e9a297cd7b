package engine

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestNoAnswerSaysWhatTheBrokerDid with messages: one that passes none to their own topics, and one that renames topics.
func TestNoAnswerSaysWhatTheBrokerDid(t *testing.T) {
	for name, test := range map[string]struct {
		rule   rule
		prefix string
		want   string
	}{
		"nothing": {nil, "", "check that its listener runs"},
		"drops":   {refuse, "", "the broker at broker.test:1883 does not deliver what is published"},
		"renames": {nil, "a.b.", "the broker at broker.test:1883 delivers messages on other topics"},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				w.set(test.rule)
				e := w.engine(func(c *Config) {
					c.TopicPrefix = test.prefix
					c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := w.broker.DialContext(ctx, network, address)
						return &renaming{conn}, err
					}
				})
				ctx, cancel := contextFor(10 * time.Second)
				defer cancel()
				_, err := e.Dial(ctx, testName, nil)
				if !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the dial failed with %v, want %q", err, test.want)
				}
				if n := entries(e); n["probes"] != 0 {
					t.Errorf("the Engine still has %v", n)
				}
			})
		})
	}
}

// renaming turns dots into slashes in what a broker sends, as RabbitMQ does.
type renaming struct{ net.Conn }

func (c *renaming) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	copy(p, strings.ReplaceAll(string(p[:n]), "a.b.", "a/b/"))
	return n, err
}
