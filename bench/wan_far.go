package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

// A stream begins with one byte: the index of a bulk stream, or echoKind.
const echoKind = 0xFF

// sampleEvery is how often a bulk stream notes how much has arrived, at most.
const sampleEvery = 2 * time.Millisecond

// sample is how many bytes had arrived when. Both ends and what compares them read one clock: the machine's.
type sample struct {
	At    int64 // Unix time, nanoseconds
	Bytes int64
}

// farReport is what arrived on each bulk stream, in order of time.
type farReport struct {
	Arrived [][]sample
	Corrupt string // what arrived that had not been sent; empty: nothing
}

// sink takes in what streams bring.
type sink struct {
	mu     sync.Mutex
	report farReport
}

// far takes in streams until end ends.
func (s *wanSpec) far(end io.Reader) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wireTimeout)
	defer cancel()
	listeners, err := wanWays[s.Way].listen(ctx, s)
	if err != nil {
		return nil, err
	}
	all := &sink{report: farReport{Arrived: make([][]sample, s.Bulks)}}
	for _, l := range listeners {
		go all.serve(l)
	}
	ready()
	io.Copy(io.Discard, end)
	all.mu.Lock()
	return &all.report, nil // the lock stays: nothing changes any more
}

func (s *sink) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go s.take(conn)
	}
}

func (s *sink) take(conn net.Conn) {
	defer conn.Close()
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return
	}
	if kind[0] == echoKind {
		echo(conn, echoSize)
		return
	}
	s.bulk(conn, int(kind[0]))
}

// bulk compares what arrives with what was sent and takes note of it.
func (s *sink) bulk(conn net.Conn, index int) {
	buffer := make([]byte, readSize)
	var total int64
	var last time.Time
	for {
		n, err := conn.Read(buffer)
		right := bytes.Equal(buffer[:n], content.At(total, n))
		total += int64(n)
		if now := time.Now(); now.Sub(last) >= sampleEvery || !right {
			last = now
			s.note(index, sample{now.UnixNano(), total}, right)
		}
		if err != nil || !right {
			return
		}
	}
}

func (s *sink) note(index int, arrived sample, right bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Arrived[index] = append(s.report.Arrived[index], arrived)
	if !right {
		s.report.Corrupt = fmt.Sprintf("the transfer is corrupt before byte %d of stream %d", arrived.Bytes, index)
	}
}
