package mux

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// frame returns a frame of yamux.
func frame(kind byte, flags uint16, stream uint32, length int64, body []byte) []byte {
	h := header{1: kind}
	h.setFlags(flags)
	binary.BigEndian.PutUint32(h[4:], stream)
	binary.BigEndian.PutUint32(h[8:], uint32(length))
	return append(h[:], body...)
}

func data(flags uint16, stream uint32, body []byte) []byte {
	return frame(typeData, flags, stream, int64(len(body)), body)
}

// bytesConn is a peer that has sent all it will, and discards what it gets.
type bytesConn struct {
	net.Conn
	*bytes.Reader
}

func (c bytesConn) Read(p []byte) (int, error)    { return c.Reader.Read(p) }
func (bytesConn) Write(p []byte) (int, error)     { return len(p), nil }
func (bytesConn) Close() error                    { return nil }
func (bytesConn) SetReadDeadline(time.Time) error { return nil }

// received passes bytes from a peer through frames.
func received(t *testing.T, from []byte) []byte {
	t.Helper()
	f := newFrames(bytesConn{Reader: bytes.NewReader(from)}, false, share{}, share{})
	got, err := io.ReadAll(f)
	if err != nil && err != errParity && err != errTwice && err != errWindow && err != io.ErrUnexpectedEOF {
		t.Errorf("Read: %v", err)
	}
	f.Close()
	f.running.Wait()
	return got
}

func TestFramesSplitsLargeFrames(t *testing.T) {
	body := noise(2*maxFrame + 1)
	got := received(t, data(flagSYN|flagFIN, 1, body))
	want := append(data(flagSYN, 1, body[:maxFrame]), data(0, 1, body[maxFrame:2*maxFrame])...)
	want = append(want, data(flagFIN, 1, body[2*maxFrame:])...)
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of yamux, want %d", len(got), len(want))
	}
}

func TestFramesKeepsIncompleteFrames(t *testing.T) {
	whole := data(flagSYN, 1, []byte("whole"))
	part := data(flagFIN, 1, []byte("part"))
	if got := received(t, append(whole, part[:len(part)-1]...)); !bytes.Equal(got, whole) {
		t.Errorf("yamux reads %x, want %x", got, whole)
	}
}

// TestFramesSlipsInResets resets streams while yamux waits, where a
// frame begins and in the middle of one.
func TestFramesSlipsInResets(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		f := newFrames(c, false, share{}, share{})
		from := data(flagSYN, 1, []byte("body"))
		read := make(chan []byte)
		go func() {
			for {
				got := make([]byte, 100)
				n, err := f.Read(got)
				if err != nil {
					close(read)
					return
				}
				read <- got[:n]
			}
		}()
		for i, part := range [][]byte{nil, from[:5], from[5:14]} {
			other.Write(part)
			simtest.Wait()
			id := uint32(2*i + 1)
			f.reset(id)
			if got := <-read; !bytes.Equal(got, resetFrame(id)[:]) {
				t.Errorf("yamux reads %x, want a reset of %d", got, id)
			}
		}
		other.Write(from[14:])
		if got := <-read; !bytes.Equal(got, from) {
			t.Errorf("yamux reads %x, want %x", got, from)
		}
		other.Close()
		<-read
		f.Close()
		f.running.Wait()
	})
}

func TestFramesAnswersPings(t *testing.T) {
	ping := frame(typePing, flagSYN, 0, 7, nil)
	if got := received(t, ping); !bytes.Equal(got, ping) {
		t.Errorf("yamux reads %x of a ping", got)
	}
}

// TestFramesOfAFloodAreDropped answers a peer that asks and does not read.
func TestFramesOfAFloodAreDropped(t *testing.T) {
	f := &frames{streams: make(map[uint32]*stream), out: make([]byte, outHard)}
	f.put(header(frame(typePing, flagACK, 0, 7, nil)), nil)
	f.add(1)
	f.put(*resetFrame(1), nil)
	if len(f.out) != outHard || len(f.streams) != 0 {
		t.Errorf("%d bytes wait for a peer that does not read, %d streams are left", len(f.out), len(f.streams))
	}
	f.put(header(frame(typeWindowUpdate, flagFIN, 3, 0, nil)), nil)
	if len(f.out) != outHard+headerSize {
		t.Error("a frame that is no answer is dropped")
	}
}

// TestFramesJoinsHeaderAndBody counts what the Conn gets.
func TestFramesJoinsHeaderAndBody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		f := newFrames(c, true, share{}, share{})
		want := data(0, 1, []byte("body"))
		f.Write(want[:headerSize])
		simtest.Wait()
		go f.reset(3)
		simtest.Wait()
		f.Write(want[headerSize:])
		got := make([]byte, headerSize+len(want))
		io.ReadFull(other, got)
		if !bytes.Equal(got, append(resetFrame(3)[:], want...)) {
			t.Errorf("the Conn got %x", got)
		}
		f.Close()
		other.Close()
		f.running.Wait()
	})
}

// naive is what yamux is to read of what a peer sent: whole frames, split at
// maxFrame, up to one that opens a stream twice or with the wrong parity or has
// more than the window allows.
func naive(from []byte) (want []byte) {
	sent := make(map[uint32]int)
	for len(from) >= headerSize {
		h := header(from[:headerSize])
		body := from[headerSize:]
		if h.kind() <= typeWindowUpdate && h.flags()&flagSYN != 0 {
			if _, again := sent[h.stream()]; again || h.stream()%2 != 1 {
				return want
			}
			sent[h.stream()] = 0
		}
		if _, opened := sent[h.stream()]; opened {
			if sent[h.stream()] += h.body(); sent[h.stream()] > initialWindow {
				return want
			}
		}
		if h.body() == 0 {
			want, from = append(want, h[:]...), body
			continue
		}
		flags, left := h.flags(), h.body()
		for left > 0 {
			size := min(left, maxFrame)
			if len(body) < size {
				return want
			}
			left -= size
			last := uint16(0)
			if left == 0 {
				last = flags & flagFIN
			}
			want = append(want, data(flags&^flagFIN|last, h.stream(), body[:size])...)
			if h.kind() != typeData || h[0] != 0 {
				want[len(want)-size-headerSize], want[len(want)-size-headerSize+1] = h[0], h[1]
			}
			flags &= flagFIN
			body = body[size:]
		}
		from = body
	}
	return want
}

// sequences are what peers might send.
func sequences() [][]byte {
	open := frame(typeWindowUpdate, flagSYN, 1, 0, nil)
	with := func(after ...byte) []byte { return append(bytes.Clone(open), after...) }
	return [][]byte{
		nil, open, open[:5], with(data(flagFIN, 1, []byte("x"))...), with(data(0, 1, noise(maxFrame+1))...), with(open...),
		with(resetFrame(1)[:]...), with(frame(typeData, 0, 1, 1<<31, []byte("x"))...), with(frame(typeWindowUpdate, flagFIN, 1, 0, nil)...),
		with(frame(typeWindowUpdate, flagACK, 1, 1<<31, nil)...), data(flagSYN|flagFIN|flagRST|flagACK, 1, []byte("x")),
		frame(typePing, flagSYN, 0, 1, nil), frame(3, 0, 0, 1, nil), frame(typeData, flagSYN, 2, 1, nil), frame(9, 0xffff, 1, 1, nil),
	}
}

// FuzzFrames compares what yamux reads with the naive model.
func FuzzFrames(f *testing.F) {
	for _, from := range sequences() {
		f.Add(from)
	}
	f.Fuzz(func(t *testing.T, from []byte) {
		if got, want := received(t, from), naive(from); !bytes.Equal(got, want) {
			t.Fatalf("yamux reads %x, want %x", got, want)
		}
	})
}

// TestSessionSurvivesWhateverPeersSend only asks that sessions end.
func TestSessionSurvivesWhateverPeersSend(t *testing.T) {
	for _, one := range sequences() {
		for _, two := range sequences() {
			server, err := Server(bytesConn{dummyConn{}, bytes.NewReader(append(bytes.Clone(one), two...))})
			if err != nil {
				t.Fatal(err)
			}
			for {
				conn, err := server.Accept()
				if err != nil {
					break
				}
				io.Copy(io.Discard, conn)
				conn.Close()
			}
			server.Close()
		}
	}
}

// dummyConn has addresses.
type dummyConn struct{ net.Conn }

func (dummyConn) LocalAddr() net.Addr  { return address.OfListener("") }
func (dummyConn) RemoteAddr() net.Addr { return address.OfListener("") }
