package tunnel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// TestWorkedBytes writes what TUNNEL.md shows.
func TestWorkedBytes(t *testing.T) {
	text, err := os.ReadFile("../../TUNNEL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "## Worked example")
	for _, test := range []struct {
		want  string
		write func(io.Writer) error
	}{
		{"02 000d 31302e302e302e353a35343332 ", Request{Target, "10.0.0.5:5432"}.Write},
		{"00 0000 ", Reply{}.Write},
		{"01 0003 776562 ", Request{Service, "web"}.Write},
		{"01 000f 6e6f20737563682073657276696365 ", Reply{Refused, "no such service"}.Write},
		{"01 0000 ", Request{Kind: Service}.Write},
		{"03 000e 3132372e302e302e313a39303030 ", Request{Open, "127.0.0.1:9000"}.Write},
		{"00 000e 3132372e302e302e313a39303030 ", Reply{OK, "127.0.0.1:9000"}.Write},
		{"06 000e 3132372e302e302e313a39303030 ", Request{Arrival, "127.0.0.1:9000"}.Write},
	} {
		var b bytes.Buffer
		if err := test.write(&b); err != nil {
			t.Fatal(err)
		}
		if got, want := hex.EncodeToString(b.Bytes()), strings.ReplaceAll(test.want, " ", ""); got != want {
			t.Errorf("written as %s, want %s", got, want)
		}
		if !strings.Contains(example, "\n"+test.want) {
			t.Errorf("TUNNEL.md does not show %s", test.want)
		}
	}
}

func TestReadReadsNoMore(t *testing.T) {
	var b bytes.Buffer
	if err := (Request{Target, "[::1]:22"}).Write(&b); err != nil {
		t.Fatal(err)
	}
	b.WriteString("data")
	request, err := ReadRequest(iotest.OneByteReader(&b))
	if err != nil || request != (Request{Target, "[::1]:22"}) {
		t.Fatalf("read %+v, %v", request, err)
	}
	if rest, _ := io.ReadAll(&b); string(rest) != "data" {
		t.Errorf("the rest is %q", rest)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, input := range map[string]string{
		"too long":    "\x01\x02\x01" + strings.Repeat("a", 513),
		"not UTF-8":   "\x01\x00\x01\xff",
		"control":     "\x01\x00\x01\x1b",
		"C1 control":  "\x01\x00\x02\xc2\x9b",
		"delete":      "\x01\x00\x01\x7f",
		"end of line": "\x01\x00\x01\n",
	} {
		if _, err := ReadRequest(strings.NewReader(input)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, input := range []string{"\x01", "\x01\x00", "\x01\x00\x01"} {
		if _, err := ReadRequest(strings.NewReader(input)); err != io.ErrUnexpectedEOF && err != io.EOF {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestReplyIsMadePrintable(t *testing.T) {
	var b bytes.Buffer
	long := "line\nbreak\x1b[2J\xff" + strings.Repeat("é", 400)
	if err := (Reply{Unreachable, long}).Write(&b); err != nil {
		t.Fatal(err)
	}
	reply, err := ReadReply(&b)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(reply.Text, "line break [2J?é") || len(reply.Text) > maxText {
		t.Errorf("the text is %q", reply.Text)
	}
	var refused *Error
	if err := reply.Err(); !errors.As(err, &refused) || refused.Reply.Code != Unreachable {
		t.Errorf("the error is %v", reply.Err())
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte("\x01\x00\x00"))
	f.Add([]byte("\x02\x00\x0c127.0.0.1:22"))
	f.Add([]byte("\x01\x00\x03a\x1bb"))
	f.Add([]byte("\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := bytes.NewReader(input)
		request, err := ReadRequest(r)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := request.Write(&b); err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", request, err)
		}
		if used := input[:len(input)-r.Len()]; !bytes.Equal(b.Bytes(), used) {
			t.Fatalf("%x was read and is written as %x", used, b.Bytes())
		}
	})
}
