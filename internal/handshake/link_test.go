package handshake

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// linkAt is where the body of a message has its link.
func linkAt(m Message) int {
	switch m.(type) {
	case Hello:
		return timeSize + idSize + 2*inboxSize
	case Probe, Check:
		return idSize + 2*inboxSize
	case Answer:
		return idSize
	}
	return -1
}

// A linkedBody is that of a message that carries a link.
type linkedBody struct {
	kind byte
	body []byte
}

// linked returns one of each, with this link.
func linked(link byte) (all []linkedBody) {
	for _, c := range messages {
		if at := linkAt(c.message); at >= 0 {
			body := c.message.append(nil)
			body[at] = link
			all = append(all, linkedBody{c.message.kind(), body})
		}
	}
	return all
}

func TestMessagesCarryEveryLink(t *testing.T) {
	for link := range 256 {
		for _, c := range linked(byte(link)) {
			m, err := parseBody(c.kind, c.body)
			if link >= MaxLinks {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("type %d with link %d: error %v, want ErrMalformed", c.kind, link, err)
				}
				continue
			}
			if err != nil || reflect.ValueOf(m).FieldByName("Link").Uint() != uint64(link) || !bytes.Equal(m.append(nil), c.body) {
				t.Errorf("type %d with link %d was read as %+v, error %v", c.kind, link, m, err)
			}
		}
	}
	for _, m := range []Message{Hello{Link: MaxLinks}, Probe{Link: MaxLinks}, Check{Link: MaxLinks}, Answer{Link: 255}} {
		mustPanic(t, "a link that no process has", func() { m.append(nil) })
	}
}

// The same hello on each link makes one connection: it is known by one digest, and answered by one Noise message,
// which the dialer takes from any link.
func TestHelloIsTheSameOnEveryLink(t *testing.T) {
	n := NewRoot(testKey, "").Name("thermostat")
	_, first := begun(t, n, 90)
	noise, digests := answerTo(t, n, first, 91).Noise, make(map[[32]byte]bool)
	for link := range uint8(MaxLinks) {
		initiator, hello := begun(t, n, 90)
		hello.Link = link
		got := mustOpen(t, n.HelloKey(), mustSeal(t, n.HelloKey(), seeded(92), hello)).(Hello)
		digests[got.Digest()] = true
		answer := answerTo(t, n, got, 91)
		if got.Link != link || !bytes.Equal(answer.Noise, noise) {
			t.Errorf("hello with link %d arrived with link %d and has another answer: %v", link, got.Link, !bytes.Equal(answer.Noise, noise))
		}
		answer.Link = testReply.Links
		if _, _, err := initiator.Finish(answer); !errors.Is(err, ErrMalformed) {
			t.Errorf("answer by a link that the listener does not have: %v", err)
		}
		answer.Link = link % testReply.Links
		if reply, _, err := initiator.Finish(answer); err != nil || reply != testReply {
			t.Errorf("answer by link %d, after one that does not fit: %+v, error %v", answer.Link, reply, err)
		}
	}
	if len(digests) != 1 {
		t.Errorf("one hello has %d digests", len(digests))
	}
}

// Nothing but the link may differ between hellos of one digest.
func TestDigestCoversAllButTheLink(t *testing.T) {
	_, hello := begun(t, NewRoot(testKey, "").Name("thermostat"), 93)
	body := hello.append(nil)
	for at := range body {
		altered := bytes.Clone(body)
		altered[at] ^= 1
		m, err := parseBody(typeHello, altered)
		if err != nil {
			t.Fatal(err)
		}
		if same := m.(Hello).Digest() == hello.Digest(); same != (at == linkAt(hello)) {
			t.Errorf("byte %d changed: the digest is the same: %v", at, same)
		}
	}
}

func TestInboxTopics(t *testing.T) {
	other := testInbox
	other.Secret[15] ^= 1
	seen := make(map[string]bool)
	for _, inbox := range []Inbox{testInbox, other} {
		seen[Topic("p/", inbox.ID)], seen[Topic("p/", inbox.Secret)] = true, true
		for link := range uint8(MaxLinks) {
			topic := inbox.Topic("p/", link)
			if len(topic) != len("p/")+22 || !strings.HasPrefix(topic, "p/") || seen[topic] {
				t.Errorf("topic of link %d is %q, seen before: %v", link, topic, seen[topic])
			}
			seen[topic] = true
		}
	}
	mustPanic(t, "the topic of a link that no process has", func() { testInbox.Topic("", MaxLinks) })
}
