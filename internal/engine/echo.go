package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

const (
	// echoAfter is how long a dial waits for an answer before it looks whether messages arrive at all.
	echoAfter = time.Second
	// echoWait is how long these may take.
	echoWait = 3 * time.Second
)

// An echo is a PONG that a dial which nobody answers publishes to our own inbox, to find out what the broker makes of
// our topics: some pass nothing without permission, and say nothing; RabbitMQ turns the dots of a prefix into slashes.
type echo struct {
	uplink *uplink
	nonce  [8]byte
	sent   time.Time
	heard  chan time.Time // of capacity one
}

// listenToOurselves sends an echo over each link that is up, once.
func (d *dial) listenToOurselves() {
	if d.echoed {
		return
	}
	d.echoed = true
	e := d.engine
	for _, u := range e.uplinks {
		if !e.links.IsUp(u.number) {
			continue
		}
		echo := echo{u, random8(), time.Now(), make(chan time.Time, 1)}
		d.echoes = append(d.echoes, echo)
		e.expectPong(echo.nonce, echo.heard)
		u.toInbox(e.inbox, u.number, handshake.Pong{Nonce: echo.nonce})
	}
}

// forgetEchoes ends what listenToOurselves began.
func (d *dial) forgetEchoes() {
	for _, echo := range d.echoes {
		d.engine.expectPong(echo.nonce, nil)
	}
}

// fault says what a broker did to our messages, the first of which that is known; nil: none is.
func (d *dial) fault() error {
	const prefix = setting.Field("Config.TopicPrefix")
	for _, echo := range d.echoes {
		host := echo.uplink.broker.Host
		switch {
		case echo.uplink.link.Stats().Renamed > 0:
			return setting.Errorf("", "the broker at %s delivers messages on other topics than those they are published on, as RabbitMQ does with dots in %v: write it without dots, on both sides", host, prefix)
		case len(echo.heard) == 0 && time.Since(echo.sent) >= echoWait:
			return setting.Errorf("", "the broker at %s does not deliver what is published on its topics: check what it lets this user publish and subscribe to, and %v", host, prefix)
		}
	}
	return nil
}

// noAnswer is the error of the dial that its context ended, with what its brokers did if that is known.
func (d *dial) noAnswer(cause error) error {
	err := d.engine.gaveUp(d.name, cause)
	fault := d.fault()
	if fault == nil || !errors.Is(err, ErrNoAnswer) {
		return err
	}
	return &Error{Kind: ErrNoAnswer, Cause: errors.Join(cause, fault), Text: fmt.Sprintf("as %q: %v", d.name, fault)}
}
