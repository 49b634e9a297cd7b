package link

import (
	"bytes"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// headers are fixed headers at the borders of the format, and things that are none.
var headers = map[string]struct {
	bytes []byte
	want  header // zero where the bytes are no header
}{
	"PINGRESP":                   {[]byte{0xD0, 0x00}, header{packets.Pingresp, 0, 0}},
	"one byte of length":         {[]byte{0x30, 0x7F}, header{packets.Publish, 0, 127}},
	"two bytes of length":        {[]byte{0x30, 0x80, 0x01}, header{packets.Publish, 0, 128}},
	"largest of two":             {[]byte{0x30, 0xFF, 0x7F}, header{packets.Publish, 0, 16_383}},
	"three bytes of length":      {[]byte{0x30, 0x80, 0x80, 0x01}, header{packets.Publish, 0, 16_384}},
	"four bytes of length":       {[]byte{0x30, 0x80, 0x80, 0x80, 0x01}, header{packets.Publish, 0, 2_097_152}},
	"largest length":             {[]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, header{packets.Publish, 0, maxLength}},
	"retained, QoS 2, duplicate": {[]byte{0x3D, 0x02}, header{packets.Publish, 0xD, 2}},
	"SUBSCRIBE":                  {[]byte{0x82, 0x05}, header{packets.Subscribe, 2, 5}},

	"five bytes of length":  {[]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, header{}},
	"length not shortest":   {[]byte{0x30, 0x80, 0x00}, header{}},
	"length 127 in two":     {[]byte{0x30, 0xFF, 0x00}, header{}},
	"QoS 3":                 {[]byte{0x36, 0x02}, header{}},
	"reserved type 0":       {[]byte{0x00, 0x00}, header{}},
	"reserved type 15":      {[]byte{0xF0, 0x00}, header{}},
	"SUBACK with flags":     {[]byte{0x92, 0x03}, header{}},
	"SUBSCRIBE without":     {[]byte{0x80, 0x05}, header{}},
	"CONNACK with flags":    {[]byte{0x21, 0x02}, header{}},
	"PUBREL with the wrong": {[]byte{0x60, 0x02}, header{}},
}

func TestParseHeader(t *testing.T) {
	for name, test := range headers {
		h, size, err := parseHeader(append(test.bytes, "rest"...))
		switch {
		case test.want == header{}:
			if err == nil {
				t.Errorf("%s: taken as %+v", name, h)
			}
		case err != nil || h != test.want || size != len(test.bytes):
			t.Errorf("%s: %+v of %d bytes, %v; want %+v", name, h, size, err, test.want)
		}
	}
}

// FuzzParseHeader checks that what is accepted encodes again to the same bytes, and that no shorter input is accepted, or
// refused where the longer one is not.
func FuzzParseHeader(f *testing.F) {
	for _, test := range headers {
		f.Add(test.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, size, err := parseHeader(b)
		if err != nil || size == 0 {
			return
		}
		if again := appendHeader(nil, h); !bytes.Equal(again, b[:size]) {
			t.Fatalf("% x became % x", b[:size], again)
		}
		if size != 1+lengthSize(h.length) {
			t.Fatalf("lengthSize(%d) = %d, but the header has %d bytes", h.length, lengthSize(h.length), size)
		}
		for shorter := range size {
			if _, size, err := parseHeader(b[:shorter]); size != 0 || err != nil {
				t.Fatalf("the first %d bytes of % x: %d, %v", shorter, b, size, err)
			}
		}
	})
}

// BenchmarkParseHeader measures what every inbound packet costs before its topic.
func BenchmarkParseHeader(b *testing.B) {
	b.ReportAllocs()
	packet := []byte{0x30, 0xE0, 0xD4, 0x03, 0}
	for b.Loop() {
		if _, size, err := parseHeader(packet); size != 4 || err != nil {
			b.Fatal(size, err)
		}
	}
}
