package engine

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestOthersAskingForAPeer lets a holder make Conns in the name of a dialer's inbox, prove
// and abandon them. The listener still asks the dialer itself for a sign of life.
func TestOthersAskingForAPeer(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		client := w.engine(func(c *Config) { c.PeerTimeout = time.Hour })
		l := w.listen(w.engine(func(c *Config) { c.PeerTimeout = 30 * time.Second }))
		dialed, accepted := w.connect(client, l)
		w.exchange(dialed, accepted)
		n := w.root().Name(testName)
		offer := handshake.Offer{ID: random8(), Inbox: client.inbox, Time: time.Now(), MaxMessageSize: 1 << 10, Links: 1}
		initiator, hello, err := n.Initiate(rand.Reader, offer)
		if err != nil {
			t.Fatal(err)
		}
		w.set(func(m message) ([]byte, bool) {
			if m.isTo(client.uplinks[0].topic) {
				if a, ok := w.envelope(m).(handshake.Answer); ok && a.ID == offer.ID {
					reply, secrets, err := initiator.Finish(a)
					if err != nil {
						return m.payload, true
					}
					s := record.NewSealer(secrets.ToListener, reply.ID, record.NewMask(reply.Inbox.MaskKey()), record.EpochBits)
					room := make([]byte, 200)
					s.Next(time.Now())
					copy(room[record.HeaderSize:], make([]byte, 50))
					room[record.HeaderSize] = 6
					size := s.Seal(room, room[record.HeaderSize:record.HeaderSize+50])
					h.soon(func() { h.publish(reply.Inbox.Topic("", 0), room[:size]) })
				}
			}
			return m.payload, true
		})
		payload, _ := n.HelloKey().Seal(rand.Reader, hello)
		h.publish(l.topic(), payload)
		forged, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if forged.peer != accepted.peer {
			t.Fatal("the scene is not set")
		}
		forged.Write([]byte("unanswered"))
		time.Sleep(45 * time.Second)
		w.exchange(dialed, accepted)
	})
}
