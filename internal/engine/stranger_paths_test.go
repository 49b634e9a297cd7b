package engine

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// forgeAhead lets a holder publish, ahead of each message, others that it makes of it and seals with a key; of those that it makes
// none of it lets through.
func (p *place) forgeAhead(h *holder, topic string, key *handshake.EnvelopeKey, forge func(handshake.Message) []handshake.Message) {
	said := make(map[string]bool) // by the holder, guarded by the world's lock
	say := func(payload []byte) {
		p.mu.Lock()
		said[string(payload)] = true
		p.mu.Unlock()
		h.publish(topic, payload)
	}
	p.set(func(m message) ([]byte, bool) {
		m = m.copy()
		forged := forge(p.envelope(m))
		if len(forged) == 0 || said[string(m.payload)] {
			return m.payload, true
		}
		h.soon(func() {
			for _, other := range forged {
				payload, err := key.Seal(rand.Reader, other)
				if err != nil {
					panic(err)
				}
				say(payload)
			}
			say(m.payload)
		})
		return nil, false
	})
}

// TestHelloWithAnotherLink lets a holder, which is faster than the dialer, say each of its hellos with every other number of
// the dialer's link. The dial is not slower for it, and the Conn neither moves nor stalls.
func TestHelloWithAnotherLink(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		h := p.holder()
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		p.forgeAhead(h, l.topic(), p.root().Name(testName).HelloKey(), func(m handshake.Message) (forged []handshake.Message) {
			hello, ok := m.(handshake.Hello)
			for link := range uint8(handshake.MaxLinks) {
				other := hello
				if other.Link = handshake.MaxLinks - 1 - link; ok && other.Link != hello.Link {
					forged = append(forged, other)
				}
			}
			return forged
		})
		start := time.Now()
		dialed, accepted := p.connect(client, l)
		p.exchange(dialed, accepted)
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("the dial and the first bytes took %v", took)
		}
		time.Sleep(time.Minute)
		p.exchange(accepted, dialed)
		p.wantMoves(0, dialed, accepted)
	})
}

// TestAnswerWithAnotherLink lets a holder, which is faster than the listener, say each of its answers with every other number
// of the listener's link.
func TestAnswerWithAnotherLink(t *testing.T) {
	for _, order := range [][]uint8{{1, 2, 3, 4, 5, 6, 7}, {7, 6, 5, 4, 3, 2, 1}} {
		simtest.Run(t, func(t *testing.T) { answerWithAnotherLink(t, order) })
	}
}

func answerWithAnotherLink(t *testing.T, links []uint8) {
	p := newPlace(t, 2)
	h := p.holder()
	l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
	p.inboxes.Store(client.uplinks[1].topic, client)
	p.forgeAhead(h, client.uplinks[0].topic, client.inbox.Key(), func(m handshake.Message) (forged []handshake.Message) {
		answer, ok := m.(handshake.Answer)
		for _, link := range links {
			if answer.Link = link; ok {
				forged = append(forged, answer)
			}
		}
		return forged
	})
	start := time.Now()
	dialed, accepted := p.connect(client, l)
	p.exchange(dialed, accepted)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("the dial and the first bytes took %v", took)
	}
	time.Sleep(time.Minute)
	p.exchange(accepted, dialed)
}

// TestAnswerAgainWithALinkThatIsNotThere loses the listener's answer by the first broker. While the dialer waits for it there, a
// holder repeats what came by the second, with numbers of links that the listener has not.
func TestAnswerAgainWithALinkThatIsNotThere(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		h := p.holder()
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		p.inboxes.Store(client.uplinks[1].topic, client)
		key, repeated := client.inbox.Key(), false
		p.set(func(m message) ([]byte, bool) {
			answer, ok := p.envelope(m).(handshake.Answer)
			if !ok || answer.Link > 1 {
				return m.payload, true
			}
			if m.isTo(client.uplinks[0].topic) {
				return nil, false
			}
			repeated = true
			h.soon(func() {
				for answer.Link = 2; answer.Link < handshake.MaxLinks; answer.Link++ {
					payload, err := key.Seal(rand.Reader, answer)
					if err != nil {
						panic(err)
					}
					h.publish(client.uplinks[0].topic, payload)
				}
			})
			return m.payload, true
		})
		dialed, accepted := p.connect(client, l)
		p.exchange(dialed, accepted)
		p.exchange(accepted, dialed)
		if !repeated {
			t.Error("no answer came by the second broker")
		}
	})
}

// A pretender is a holder with a Conn of its own to a listener, as whose process it named somebody else's.
type pretender struct {
	*holder
	sealer *record.Sealer
	reply  handshake.Reply
}

// pretend dials as if it were the process of client, whose inbox it heard of, and hears the answer at the broker.
func (p *place) pretend(h *holder, client *Engine, l *Listener) *pretender {
	offer := handshake.Offer{ID: random8(), Inbox: client.inbox, Time: time.Now(), MaxMessageSize: 60 << 10, Links: uint8(len(client.uplinks))}
	name := p.root().Name(testName)
	initiator, hello, err := name.Initiate(rand.Reader, offer)
	if err != nil {
		p.t.Fatal(err)
	}
	answers := make(chan handshake.Answer, 10)
	p.set(func(m message) ([]byte, bool) {
		if answer, ok := p.envelope(m).(handshake.Answer); ok && answer.ID == offer.ID {
			answers <- answer
		}
		return m.payload, true
	})
	payload, err := name.HelloKey().Seal(rand.Reader, hello)
	if err != nil {
		p.t.Fatal(err)
	}
	h.publish(l.topic(), payload)
	reply, secrets, err := initiator.Finish(<-answers)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set(nil)
	sealer := record.NewSealer(secrets.ToListener, reply.ID, record.NewMask(reply.Inbox.MaskKey()), record.EpochBits)
	return &pretender{h, sealer, reply}
}

// say sends a packet of the pretender's own Conn.
func (p *pretender) say(frames []byte) {
	p.sealer.Next(time.Now())
	packet := make([]byte, len(frames)+record.Overhead)
	p.publish(p.reply.Inbox.Topic("", 0), packet[:p.sealer.Seal(packet, frames)])
}

// TestPretenderMovesNobody says on a Conn of its own, all the time, that its process moved, that other paths work, and that
// they take next to nothing. The Conns of the process whose inbox it named stay where they are, and go on when the broker dies.
func TestPretenderMovesNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		h := p.holder()
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		dialed, accepted := p.connect(client, l)
		p.exchange(dialed, accepted)
		liar := p.pretend(h, client, l)
		for i := range uint64(120) {
			for number := range path.ID(path.MaxLinks * path.MaxLinks) {
				if number.Own() > 1 || number.Peer() > 1 {
					continue
				}
				ack := &wire.Ack{GrantMessages: 1}
				liar.say(wire.AppendResume(nil, wire.Resume{Path: uint8(number), Count: 4*i + uint64(number) + 1}, ack))
				liar.say(wire.AppendPathChallenge(nil, wire.Path{Path: uint8(number), Size: wire.MinSize, Round: i}))
				liar.say(wire.AppendPathResponse(nil, wire.Path{Path: uint8(number), Size: wire.MinSize, Round: i/4 + 1}))
			}
			time.Sleep(time.Second)
			p.exchange(dialed, accepted)
		}
		p.wantMoves(0, dialed, accepted)
		p.brokers[0].Stop()
		start := time.Now()
		sendAndCompare(t, accepted, dialed, 1<<20)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("after the broker died a MiB took %v", took)
		}
		t.Logf("%d packets", accepted.Stats().PacketsSent)
		p.wantMoves(1, dialed, accepted)
	})
}
