package conn

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestRevoke resets a Conn, and both ends say why.
func TestRevoke(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		dialer, listener := connected(t)
		listener.write(t, "last words")
		simtest.Wait()
		listener.Revoke()
		for e, want := range map[*end]error{dialer: ErrRevokedThere, listener: ErrRevoked} {
			if got, err := e.readAll(); err != want || !errors.Is(err, syscall.ECONNRESET) || e == dialer && got != "last words" {
				t.Errorf("read %q, %v, want %v", got, err, want)
			}
		}
	})
}

// TestSilentConnDropsOldKeys changes keys after a few packets, and then says nothing
// for a minute.
func TestSilentConnDropsOldKeys(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const epochBits = 3
		secrets, ids := [2][32]byte{{1}, {2}}, [2][8]byte{{1}, {2}}
		next := 0
		a, b := connected(t, func(c *Config) {
			c.Sealer = record.NewSealer(secrets[next], ids[1-next], record.NewMask([16]byte{7}), epochBits)
			c.Opener = record.NewOpener(secrets[1-next], ids[next], epochBits)
			c.Life.PeerTimeout = 0
			next++
		})
		for range 10 {
			exchange(t, a, b)
		}
		if a.opener.PreviousUntil().IsZero() {
			t.Fatal("the scene is not set: there are no old keys")
		}
		a.set(nothing)
		b.set(nothing)
		time.Sleep(time.Minute)
		simtest.Wait()
		if !a.opener.PreviousUntil().IsZero() {
			t.Error("after a minute the old keys are still there")
		}
	})
}
