package handshake

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/handshake.json anew; its bytes are the protocol, so they may change only with the version")

// workedExample is the handshake that SPEC.md shows, with all randomness chosen: what goes in, and each value on
// the way.
type workedExample struct {
	Key  hexBytes
	Name string

	PRK        hexBytes
	PSK        hexBytes
	Rendezvous hexBytes
	Topic      string
	HelloKey   hexBytes
	Device     hexBytes
	Prologue   hexBytes

	DialerID             hexBytes
	DialerInbox          hexBytes
	DialerSecret         hexBytes
	DialerInboxKey       hexBytes
	DialerMaskKey        hexBytes
	DialerLinks          uint8
	DialerLink           uint8
	DialerTopic          string // of DialerLink
	DialerTokens         hexBytes
	DialerToken          hexBytes
	DialerTokenHash      hexBytes
	DialerMaxMessageSize int
	Time                 int64
	Protocols            []string
	DialerPrivate        hexBytes
	Offer                hexBytes
	NoiseMessage1        hexBytes
	Hello                workedEnvelope

	ListenerID             hexBytes
	ListenerInbox          hexBytes
	ListenerSecret         hexBytes
	ListenerLinks          uint8
	ListenerLink           uint8
	ListenerTopic          string // of ListenerLink
	ListenerTokenHash      hexBytes
	ListenerMaxMessageSize int
	Protocol               string
	ListenerPrivate        hexBytes
	Reply                  hexBytes
	NoiseMessage2          hexBytes
	Answer                 workedEnvelope
	Gone                   workedEnvelope

	ToListener hexBytes
	ToDialer   hexBytes
	LogID      hexBytes
}

// workedEnvelope is one message in its envelope.
type workedEnvelope struct {
	Salt      hexBytes
	Key       hexBytes
	Nonce     hexBytes
	Plaintext hexBytes
	Packet    hexBytes
}

type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// counting returns n bytes that count up from first.
func counting(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// sealWorked seals m with a salt that counts up from first into an envelope of the given length.
func sealWorked(t *testing.T, e *EnvelopeKey, m Message, first byte, length int) workedEnvelope {
	t.Helper()
	salt := counting(first, saltSize)
	draw := length - max(MinEnvelope, saltSize+frameHeader+len(m.append(nil))+tagSize)
	random := append(binary.BigEndian.AppendUint32(nil, uint32(draw)), salt...)
	packet := mustSeal(t, e, bytes.NewReader(random), m)
	secret := expand(e.key, "envelope"+string(salt), 28)
	return workedEnvelope{Salt: salt, Key: secret[:16], Nonce: secret[16:], Plaintext: plaintextOf(t, e, packet), Packet: packet}
}

func computeWorkedExample(t *testing.T) workedExample {
	t.Helper()
	offer := testOffer
	offer.ID, offer.Inbox = [8]byte(counting(0x20, 8)), Inbox{ID: [16]byte(counting(0x30, 16)), Secret: [16]byte(counting(0x10, 16))}
	tokens := TokenSecret{secret: [32]byte(counting(0xc0, 32))}
	token := tokens.Token(offer.ID)
	offer.TokenHash = TokenHash(token)
	reply := testReply
	reply.ID, reply.Inbox = [8]byte(counting(0x40, 8)), Inbox{ID: [16]byte(counting(0x50, 16)), Secret: [16]byte(counting(0x70, 16))}
	reply.TokenHash = [16]byte(counting(0xe0, 16))
	x := workedExample{
		Key: testKey[:], Name: "thermostat",
		DialerLinks: offer.Links, DialerLink: 1, ListenerLinks: reply.Links, ListenerLink: 0,
		DialerID: offer.ID[:], DialerInbox: offer.Inbox.ID[:], DialerSecret: offer.Inbox.Secret[:],
		DialerTokens: tokens.secret[:], DialerToken: token[:], DialerTokenHash: offer.TokenHash[:], DialerMaxMessageSize: offer.MaxMessageSize,
		Time: offer.Time.UnixNano(), Protocols: offer.Protocols, DialerPrivate: counting(0x60, 32),
		ListenerID: reply.ID[:], ListenerInbox: reply.Inbox.ID[:], ListenerSecret: reply.Inbox.Secret[:], ListenerTokenHash: reply.TokenHash[:], ListenerMaxMessageSize: reply.MaxMessageSize,
		Protocol: reply.Protocol, ListenerPrivate: counting(0x80, 32),
	}
	root := NewRoot(testKey, "")
	n := root.Name(x.Name)
	device, inboxKey, mask := root.Device(x.Name), offer.Inbox.Key(), offer.Inbox.MaskKey()
	x.PRK, x.PSK, x.Rendezvous, x.Topic = root.prk, n.psk, n.Rendezvous[:], Topic("", n.Rendezvous)
	x.HelloKey, x.Device, x.Prologue = n.hello.key, device[:], offer.clear().appendClear(n.prologue)
	x.DialerInboxKey, x.DialerMaskKey = inboxKey.key, mask[:]
	x.DialerTopic, x.ListenerTopic = offer.Inbox.Topic("", x.DialerLink), reply.Inbox.Topic("", x.ListenerLink)

	initiator, hello, err := n.Initiate(bytes.NewReader(x.DialerPrivate), offer)
	if err != nil {
		t.Fatal(err)
	}
	hello.Link = x.DialerLink
	x.Offer, x.NoiseMessage1 = initiator.payload, hello.Noise
	x.Hello = sealWorked(t, n.HelloKey(), hello, 0xa0, 240)

	responder, _, err := n.Respond(mustOpen(t, n.HelloKey(), x.Hello.Packet).(Hello))
	if err != nil {
		t.Fatal(err)
	}
	answer, secrets, err := responder.Finish(bytes.NewReader(x.ListenerPrivate), reply)
	if err != nil {
		t.Fatal(err)
	}
	answer.Link = x.ListenerLink
	x.Reply, x.NoiseMessage2 = reply.encode(), answer.Noise
	x.Answer = sealWorked(t, inboxKey, answer, 0xb0, 240)
	x.Gone = sealWorked(t, reply.Inbox.Key(), Gone{Nonce: [8]byte(counting(0xf0, 8)), Token: token}, 0x90, MinEnvelope)
	if _, got, err := initiator.Finish(mustOpen(t, inboxKey, x.Answer.Packet).(Answer)); err != nil || got != secrets {
		t.Fatalf("the dialer has other secrets, or error %v", err)
	}
	x.ToListener, x.ToDialer, x.LogID = secrets.ToListener[:], secrets.ToDialer[:], secrets.LogID[:]
	return x
}

func readWorkedExample(t *testing.T) workedExample {
	t.Helper()
	text, err := os.ReadFile("testdata/handshake.json")
	if err != nil {
		t.Fatal(err)
	}
	var x workedExample
	if err := json.Unmarshal(text, &x); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWorkedExample(t *testing.T) {
	got := computeWorkedExample(t)
	if *update {
		text, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/handshake.json", append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readWorkedExample(t)
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s differs from testdata/handshake.json:\ngot  %x\nwant %x", g.Type().Field(i).Name, g.Field(i), w.Field(i))
		}
	}
}

// The example again, computed from SPEC.md with the standard library alone.
func TestWorkedExampleByASecondImplementation(t *testing.T) {
	x := readWorkedExample(t)
	prk := plainHMAC([]byte("mqtt-e2e/1"), x.Key)
	rendezvous := plainExpand(prk, "rendezvous\x00"+x.Name, 16)
	prologue := append([]byte("mqtt-e2e/1\x00"+x.Name+"\x00"), rendezvous...)
	psk := plainExpand(prk, "psk\x00"+x.Name, 32)
	inbox := func(secret []byte, purpose string, size int) []byte {
		return plainExpand(plainHMAC([]byte("mqtt-e2e/1 inbox"), secret), purpose, size)
	}
	topic := func(secret []byte, link uint8) []byte {
		return []byte(base64.RawURLEncoding.EncodeToString(inbox(secret, "topic\x00"+string([]byte{link}), 16)))
	}
	inboxKey := inbox(x.DialerSecret, "envelope", 32)
	token := plainExpand(plainHMAC([]byte("mqtt-e2e/1 token"), x.DialerTokens), string(x.DialerID), 16)
	helloKey := plainExpand(prk, "hello\x00"+x.Name, 32)

	sent := binary.BigEndian.AppendUint64(nil, uint64(x.Time))
	clear := slices.Concat(sent, x.DialerID, x.DialerInbox, x.DialerSecret)
	prologue = append(prologue, clear...)
	tokenHash := sha256.Sum256(token)
	offer := slices.Clone(tokenHash[:16])
	offer = append(binary.BigEndian.AppendUint32(offer, uint32(x.DialerMaxMessageSize)), x.DialerLinks, 0, byte(len(x.Protocols)))
	for _, p := range x.Protocols {
		offer = append(append(offer, byte(len(p))), p...)
	}
	reply := slices.Concat(x.ListenerInbox, x.ListenerSecret, x.ListenerID, x.ListenerTokenHash)
	reply = binary.BigEndian.AppendUint32(reply, uint32(x.ListenerMaxMessageSize))
	reply = append(append(reply, x.ListenerLinks, byte(len(x.Protocol))), x.Protocol...)
	message1, message2, toListener, toDialer, logID := plainHandshake(t, psk, prologue, x.DialerPrivate, x.ListenerPrivate, offer, reply)

	for _, c := range []struct {
		what      string
		got, want []byte
	}{
		{"PRK", prk, x.PRK},
		{"PSK", psk, x.PSK},
		{"Rendezvous", rendezvous, x.Rendezvous},
		{"HelloKey", helloKey, x.HelloKey},
		{"Device", plainExpand(prk, "device\x00"+x.Name, 16), x.Device},
		{"Prologue", prologue, x.Prologue},
		{"DialerInboxKey", inboxKey, x.DialerInboxKey},
		{"DialerMaskKey", inbox(x.DialerSecret, "mask", 16), x.DialerMaskKey},
		{"DialerTopic", topic(x.DialerSecret, x.DialerLink), []byte(x.DialerTopic)},
		{"ListenerTopic", topic(x.ListenerSecret, x.ListenerLink), []byte(x.ListenerTopic)},
		{"DialerToken", token, x.DialerToken},
		{"DialerTokenHash", tokenHash[:16], x.DialerTokenHash},
		{"Offer", offer, x.Offer},
		{"NoiseMessage1", message1, x.NoiseMessage1},
		{"Hello", plainSeal(t, helloKey, x.Hello.Salt, 1, slices.Concat(clear, []byte{x.DialerLink}, message1), len(x.Hello.Packet)), x.Hello.Packet},
		{"NoiseMessage2", message2, x.NoiseMessage2},
		{"Answer", plainSeal(t, inboxKey, x.Answer.Salt, 4, slices.Concat(x.DialerID, []byte{x.ListenerLink}, message2), len(x.Answer.Packet)), x.Answer.Packet},
		{"Gone", plainSeal(t, inbox(x.ListenerSecret, "envelope", 32), x.Gone.Salt, 8, slices.Concat(counting(0xf0, 8), token), len(x.Gone.Packet)), x.Gone.Packet},
		{"ToListener", toListener, x.ToListener},
		{"ToDialer", toDialer, x.ToDialer},
		{"LogID", logID, x.LogID},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s is %x, want %x", c.what, c.got, c.want)
		}
	}
	if want := time.Unix(0, x.Time).UTC(); !want.Equal(testStart) {
		t.Errorf("time %v", want)
	}
}
