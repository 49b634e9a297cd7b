package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// never is a standard input on which nothing comes.
func never(t *testing.T) io.Reader {
	in, out := io.Pipe()
	t.Cleanup(func() { out.Close() })
	return in
}

// stdout returns a standard output and where its reader finds it.
func stdout(t *testing.T) (reader, out *os.File) {
	t.Helper()
	reader, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		reader.Close()
		out.Close()
	})
	return reader, out
}

// wantOutput reads what is in a standard output. JoinStdio waits for its end on a
// goroutine that the program does not outlive, so that it has none here.
func wantOutput(t *testing.T, reader *os.File, want string) {
	t.Helper()
	buffer := make([]byte, 100)
	if n, err := reader.Read(buffer); err != nil || string(buffer[:n]) != want {
		t.Errorf("the output is %q, %v, want %q", buffer[:n], err, want)
	}
}

func TestEndOfInputIsPassedOn(t *testing.T) {
	stream, far := simtest.TCPPair(t)
	reader, out := stdout(t)
	go func() {
		question, _ := io.ReadAll(far) // until the end of the input
		far.Write(append(question, " answered"...))
		far.Close()
	}()
	if err := JoinStdio(t.Context(), strings.NewReader("question"), out, stream); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, reader, "question answered")
}

// TestEndOfTheOtherSide leaves standard input open.
func TestEndOfTheOtherSide(t *testing.T) {
	stream, far := simtest.TCPPair(t)
	reader, out := stdout(t)
	io.WriteString(far, "bye")
	far.Close()
	if err := JoinStdio(t.Context(), never(t), out, stream); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, reader, "bye")
}

// TestOtherSideStopsReading answers what was asked before, though the rest of
// standard input is of no use to it.
func TestOtherSideStopsReading(t *testing.T) {
	stream, far := simtest.TCPPair(t)
	reader, out := stdout(t)
	in, asked := io.Pipe()
	defer asked.Close()
	go func() {
		io.WriteString(asked, "first")
		io.ReadFull(far, make([]byte, len("first")))
		stream.CloseWrite() // so that the next write fails
		io.WriteString(asked, "second")
		io.WriteString(far, "answer")
		far.Close()
	}()
	if err := JoinStdio(t.Context(), in, out, stream); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, reader, "answer")
}

func TestClosedOutput(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("only a write tells here")
	}
	stream, _ := simtest.TCPPair(t)
	reader, out := stdout(t)
	reader.Close()
	if err := JoinStdio(t.Context(), never(t), out, stream); !errors.Is(err, ErrOutputClosed) {
		t.Errorf("the error is %v", err)
	}
}

func TestInterruptedStdio(t *testing.T) {
	stream, _ := simtest.TCPPair(t)
	_, out := stdout(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	if err := JoinStdio(ctx, never(t), out, stream); err != cause {
		t.Errorf("the error is %v", err)
	}
}

// brokenReader is a standard input that cannot be read.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("it broke") }

func TestBrokenInput(t *testing.T) {
	stream, _ := simtest.TCPPair(t)
	_, out := stdout(t)
	err := JoinStdio(t.Context(), brokenReader{}, out, stream)
	if err == nil || err.Error() != "reading standard input: it broke" {
		t.Errorf("the error is %v", err)
	}
}

// TestBrokenStream is an error, not an end.
func TestBrokenStream(t *testing.T) {
	stream, far := simtest.TCPPair(t)
	_, out := stdout(t)
	go func() {
		far.Write([]byte("x"))
		Abort(far)
	}()
	err := JoinStdio(t.Context(), never(t), out, stream)
	var network net.Error
	if !errors.As(err, &network) {
		t.Errorf("the error is %v", err)
	}
}
