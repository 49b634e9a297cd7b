package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestLimitOfSubscriptions has brokers with a limit of eight, or of none, which they show in two ways.
func TestLimitOfSubscriptions(t *testing.T) {
	for _, limit := range []int{filtersPerSubscribe, 0} {
		for name, hangsUp := range map[string]bool{"refuses": false, "hangs up": true} {
			t.Run(fmt.Sprint(name, " at ", limit), func(t *testing.T) {
				scripted(t, func(t *testing.T, l *testLink, broker *script) {
					for i := range 9 {
						l.mustSubscribe(t, fmt.Sprint("topic", i))
					}
					go func() {
						defer broker.conn.Close()
						broker.acceptConnect()
						for granted := 0; ; granted += filtersPerSubscribe {
							_, body, err := broker.read()
							if err != nil || hangsUp && granted >= limit {
								return
							}
							codes := bytes.Repeat([]byte{0}, min(filtersPerSubscribe, 10-granted))
							if granted >= limit {
								codes = bytes.Repeat([]byte{0x80}, len(codes))
							}
							broker.send(append([]byte{0x90, byte(2 + len(codes)), body[0], body[1]}, codes...)...)
						}
					}()
					err := l.Connect(t.Context())
					want := "its limit of subscriptions a client"
					if limit > fewSubscriptions {
						want = "limit of subscriptions a client (it has confirmed 8 on this connection)"
					}
					if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, io.EOF) != hangsUp || Permanent(err) == hangsUp {
						t.Errorf("Connect: %v; want %q in it", err, want)
					}
				})
			})
		}
	}
}
