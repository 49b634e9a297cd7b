package message

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// A vector is one case of testdata/toit-v1-vectors.json, made by an independent implementation of protocol version 1.
type vector struct {
	Name      string   `json:"name"`
	Key       hexBytes `json:"key"`
	AuthData  string   `json:"auth_data"`
	Time      int64    `json:"time_unix_ns,string"`
	Random    hexBytes `json:"iv_random"`
	PadSize   int      `json:"pad_size"`
	Message   hexBytes `json:"message"`
	TopicBase string   `json:"topic_base"`
	Packet    hexBytes `json:"packet"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	text, err := os.ReadFile("testdata/toit-v1-vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		Cases []vector `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		tb.Fatal(err)
	}
	if len(file.Cases) != 18 {
		tb.Fatalf("testdata holds %d vectors, want 18", len(file.Cases))
	}
	return file.Cases
}

// codec returns one whose clock stands at the vector's time.
func (v vector) codec() *Codec {
	pad := v.PadSize
	if pad == 0 {
		pad = -1
	}
	return &Codec{
		Key:      mqtte2e.Key(v.Key),
		AuthData: v.AuthData,
		PadSize:  pad,
		Now:      func() time.Time { return time.Unix(0, v.Time) },
		Rand:     bytes.NewReader(v.Random),
	}
}

func TestVectorsSeal(t *testing.T) {
	for _, v := range vectors(t) {
		packet, err := v.codec().Seal(v.Message)
		if err != nil || !bytes.Equal(packet, v.Packet) {
			t.Errorf("%s: sealed to\n%x, %v, want\n%x", v.Name, packet, err, v.Packet)
		}
	}
}

func TestVectorsOpen(t *testing.T) {
	for _, v := range vectors(t) {
		received := bytes.Clone(v.Packet)
		message, err := v.codec().Open(received)
		if err != nil || !bytes.Equal(message, v.Message) {
			t.Errorf("%s: opened to %q, %v, want %q", v.Name, message, err, v.Message)
		}
		if !bytes.Equal(received, v.Packet) {
			t.Errorf("%s: Open changed the packet", v.Name)
		}
	}
}

func TestVectorsTopic(t *testing.T) {
	for _, v := range vectors(t) {
		if got, want := Topic(mqtte2e.Key(v.Key), "iot/esp32x"), v.TopicBase+"/iot/esp32x"; got != want {
			t.Errorf("%s: topic %q, want %q", v.Name, got, want)
		}
	}
}

// TestWorkedExample computes the example of SPEC.md, beside this file, and looks for its bytes there.
func TestWorkedExample(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	spec := strings.Join(strings.Fields(string(text)), "")
	v := vector{
		Key:     mustDecode(t, "762e4c1dc0a7d8b60e61bc68dc858bee"),
		Time:    time.Date(2025, 11, 23, 12, 13, 20, 0, time.UTC).UnixNano(),
		Random:  mustDecode(t, "8691eda3"),
		PadSize: 50,
	}
	packet, err := v.codec().Seal([]byte("ping"))
	if err != nil {
		t.Fatal(err)
	}
	topic := Topic(mqtte2e.Key(v.Key), "iot/esp32x")
	for _, value := range []string{hex.EncodeToString(v.Key), hex.EncodeToString(v.Random), hex.EncodeToString(packet), topic} {
		if !strings.Contains(spec, value) {
			t.Errorf("SPEC.md lacks %s", value)
		}
	}
}

func mustDecode(t *testing.T, text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
