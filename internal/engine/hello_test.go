package engine

import (
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestHelloAndProofByDifferentLinks has a hello come by two links, and the proof by either, for the race detector.
func TestHelloAndProofByDifferentLinks(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		l := p.listening(p.over(0, 1))
		dialer := p.ready(p.over(0, 1))
		for range 50 {
			dialed, accepted := p.connect(dialer, l)
			dialed.Abort()
			accepted.Abort()
		}
	})
}
