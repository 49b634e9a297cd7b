package mux

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// BenchmarkStream sends over loopback TCP in writes of several sizes.
func BenchmarkStream(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 32 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			client, server := tcpSessions(b)
			near, far := open(b, client, server)
			defer near.Close()
			defer far.Close()
			done := make(chan error)
			go func() {
				_, err := io.Copy(io.Discard, struct{ io.Reader }{far})
				done <- err
			}()
			data := noise(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := near.Write(data); err != nil {
					b.Fatal(err)
				}
			}
			near.(closeWriter).CloseWrite()
			<-done
		})
	}
}

// BenchmarkRoundTrip sends 64 bytes there and back.
func BenchmarkRoundTrip(b *testing.B) {
	client, server := tcpSessions(b)
	near, far := open(b, client, server)
	defer near.Close()
	defer far.Close()
	go io.Copy(struct{ io.Writer }{far}, struct{ io.Reader }{far})
	data := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		near.Write(data)
		if _, err := io.ReadFull(near, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTCP is what the connection below does by itself.
func BenchmarkTCP(b *testing.B) {
	near, far := simtest.TCPPair(b)
	defer near.Close()
	go io.Copy(io.Discard, struct{ net.Conn }{far})
	data := noise(32 << 10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		near.Write(data)
	}
}
