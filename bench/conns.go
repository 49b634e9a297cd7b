package main

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

const (
	// writeSize is how much the application hands over at a time, in bytes: what io.Copy does.
	writeSize = 32 << 10

	// readSize is the application's read buffer, in bytes.
	readSize = 128 << 10
)

// ends are two Endpoints in this process, one that dials and one that listens, each with its own connection to the broker.
type ends struct {
	dialer, acceptor *mqtte2e.Endpoint
	listener         *mqtte2e.Listener
}

// newEnds connects two Endpoints. messageSize is Config.MaxMessageSize.
func (b *broker) newEnds(ctx context.Context, scheme string, messageSize int) (*ends, error) {
	config := &mqtte2e.Config{Key: mqtte2e.NewKey(), MaxMessageSize: messageSize, TLSConfig: b.tls}
	e := &ends{
		dialer:   &mqtte2e.Endpoint{Broker: b.address(scheme), Config: config},
		acceptor: &mqtte2e.Endpoint{Broker: b.address(scheme), Config: config},
	}
	var err error
	e.listener, err = e.acceptor.Listen(ctx, "bench")
	return e, err
}

// connect makes a Conn and returns both its ends.
func (e *ends) connect(ctx context.Context) (near, far net.Conn, err error) {
	near, err = e.dialer.Dial(ctx, "bench")
	if err != nil {
		return nil, nil, err
	}
	far, err = e.listener.Accept()
	return near, far, err
}

func (e *ends) close() {
	e.dialer.Close()
	e.acceptor.Close()
}

// send writes the first length bytes of the content in pieces of the given size.
func send(w io.Writer, size int, length int64) error {
	for sent := int64(0); sent < length; {
		n, err := w.Write(content.At(sent, int(min(int64(size), length-sent))))
		if err != nil {
			return err
		}
		sent += int64(n)
	}
	return nil
}

// receive reads until got has length bytes.
func receive(r io.Reader, got *content.Checksum, length int64) error {
	buffer := make([]byte, readSize)
	for got.Length < length {
		n, err := r.Read(buffer[:min(readSize, length-got.Length)])
		got.Add(buffer[:n])
		if err != nil {
			return err
		}
	}
	return nil
}

// transfer sends length bytes from one end of a stream to the other, in writes of the given size.
func transfer(from, to net.Conn, size int, length int64) (time.Duration, error) {
	want := content.Expected(length)
	deadline := time.Now().Add(time.Minute)
	from.SetDeadline(deadline)
	to.SetDeadline(deadline)
	failed := make(chan error, 1)
	start := time.Now()
	go func() { failed <- send(from, size, length) }()
	var got content.Checksum
	err := receive(to, &got, length)
	elapsed := time.Since(start)
	if err != nil {
		return 0, err
	}
	if err := <-failed; err != nil {
		return 0, err
	}
	return elapsed, got.Verify(want)
}

// connTransfer is bareTransfer with a Conn that has just been made: the growth of its window is part of what is measured.
func (b *broker) connTransfer(ctx context.Context, scheme string, messageSize, writeSize int, length int64) (time.Duration, error) {
	e, err := b.newEnds(ctx, scheme, messageSize)
	if err != nil {
		return 0, err
	}
	defer e.close()
	near, far, err := e.connect(ctx)
	if err != nil {
		return 0, err
	}
	return transfer(near, far, writeSize, length)
}

// echo sends back what arrives on conn until it fails.
func echo(conn net.Conn, size int) {
	buffer := make([]byte, size)
	for {
		if _, err := io.ReadFull(conn, buffer); err != nil {
			return
		}
		if _, err := conn.Write(buffer); err != nil {
			return
		}
	}
}

// connEcho is bareEcho with a Conn.
func connEcho(near, far net.Conn, payload []byte, n int) ([]time.Duration, error) {
	go echo(far, len(payload))
	buffer := make([]byte, len(payload))
	near.SetDeadline(time.Now().Add(time.Minute))
	return timeEach(n, func() error {
		if _, err := near.Write(payload); err != nil {
			return err
		}
		_, err := io.ReadFull(near, buffer)
		return err
	})
}
