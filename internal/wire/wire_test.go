package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// encoder is a Visitor that encodes again what it is given.
type encoder struct {
	b     []byte
	calls int
}

func (e *encoder) Stream(offset uint64, data []byte) {
	e.add(append(AppendStreamHeader(e.b, offset, len(data)), data...))
}
func (e *encoder) Ack(a *Ack)              { e.add(AppendAck(e.b, a)) }
func (e *encoder) Resume(r Resume, a *Ack) { e.add(AppendResume(e.b, r, a)) }
func (e *encoder) Fin(final uint64)        { e.add(AppendFin(e.b, final)) }
func (e *encoder) Stop()                   { e.add(AppendStop(e.b)) }
func (e *encoder) Reset(code uint64)       { e.add(AppendReset(e.b, code)) }
func (e *encoder) Ping()                   { e.add(AppendPing(e.b)) }
func (e *encoder) PathChallenge(p Path)    { e.add(AppendPathChallenge(e.b, p)) }
func (e *encoder) PathResponse(p Path)     { e.add(AppendPathResponse(e.b, p)) }
func (e *encoder) add(b []byte)            { e.b, e.calls = b, e.calls+1 }

// reencode parses packet and encodes its frames again, with the padding, which visitors do not see.
func reencode(packet []byte) (again []byte, calls int, err error) {
	var e encoder
	err = Parse(packet, new(Ack), &e)
	if missing := len(packet) - len(e.b); missing > 0 && err == nil {
		e.b = append(e.b, make([]byte, missing)...)
	}
	return e.b, e.calls, err
}

// example is one line of testdata/frames.txt.
type example struct {
	text   string
	packet []byte
}

func examples(t testing.TB) []example {
	file, err := os.ReadFile("testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	for line := range strings.Lines(string(file)) {
		digits, text, ok := strings.Cut(strings.TrimSpace(line), "|")
		if !ok {
			continue
		}
		packet, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, example{strings.TrimSpace(text), packet})
	}
	if len(list) == 0 {
		t.Fatal("testdata/frames.txt holds no examples")
	}
	return list
}

func TestExamples(t *testing.T) {
	for _, x := range examples(t) {
		if got := Describe(x.packet); got != x.text {
			t.Errorf("% x:\n got %s\nwant %s", x.packet, got, x.text)
		}
		if again, _, err := reencode(x.packet); err != nil || !bytes.Equal(again, x.packet) {
			t.Errorf("%s: encoded again:\n got % x, %v\nwant % x", x.text, again, err, x.packet)
		}
	}
}
