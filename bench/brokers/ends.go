package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

const (
	// name is the listener's.
	name = "bench"

	// writeSize is how much is handed over at a time, in bytes: what io.Copy does.
	writeSize = 32 << 10

	// readSize is the application's read buffer, in bytes.
	readSize = 128 << 10

	// patience bounds every transfer: a broker that stalls must not stall the program.
	patience = 3 * time.Minute
)

// ends are two Endpoints in this process, one that dials and one that listens, each with its own connection to the broker.
type ends struct {
	dialer, acceptor *mqtte2e.Endpoint
	listener         *mqtte2e.Listener
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// newEnds connects two Endpoints at their default settings, but for through, which may be nil, and a logger of the dialer's, which
// may be nil too.
func (w way) newEnds(ctx context.Context, through dialFunc, logger *slog.Logger) (*ends, error) {
	config := mqtte2e.Config{Key: mqtte2e.NewKey(), TLSConfig: w.tls, DialContext: through}
	dialers := config
	dialers.Logger = logger
	e := &ends{
		dialer:   &mqtte2e.Endpoint{Broker: w.dialer, Config: &dialers},
		acceptor: &mqtte2e.Endpoint{Broker: w.listener, Config: &config},
	}
	var err error
	if e.listener, err = e.acceptor.Listen(ctx, name); err != nil {
		e.close()
	}
	return e, err
}

// ready waits until messages pass: a cluster that listens has yet to elect a leader, and hangs up on its clients meanwhile.
func (w way) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		e, err := w.newEnds(ctx, nil, nil)
		if err == nil {
			_, _, err = e.connect(ctx)
			e.close()
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// connect makes a Conn and returns both its ends.
func (e *ends) connect(ctx context.Context) (near, far net.Conn, err error) {
	near, err = e.dialer.Dial(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	far, err = e.listener.Accept()
	return near, far, err
}

// reconnects returns how often an end of a Conn lost its connection to the broker.
func reconnects(conn net.Conn) uint64 { return conn.(*mqtte2e.Conn).Stats().Reconnects }

func (e *ends) close() {
	e.dialer.Close()
	e.acceptor.Close()
}

// send writes length bytes of the content.
func send(w io.Writer, length int64) error {
	for sent := int64(0); sent < length; {
		n, err := w.Write(content.At(sent, int(min(writeSize, length-sent))))
		if err != nil {
			return err
		}
		sent += int64(n)
	}
	return nil
}

// receive reads length bytes and checks them.
func receive(r io.Reader, length int64) error {
	var got content.Checksum
	buffer := make([]byte, readSize)
	for got.Length < length {
		n, err := r.Read(buffer[:min(readSize, length-got.Length)])
		got.Add(buffer[:n])
		if err != nil {
			return err
		}
	}
	return got.Verify(content.Expected(length))
}

// transfer sends length bytes from one end of a Conn to the other.
func transfer(from, to net.Conn, length int64) (time.Duration, error) {
	deadline := time.Now().Add(patience)
	from.SetWriteDeadline(deadline)
	to.SetReadDeadline(deadline)
	failed := make(chan error, 1)
	start := time.Now()
	go func() { failed <- send(from, length) }()
	err := receive(to, length)
	elapsed := time.Since(start)
	if err != nil {
		from.SetWriteDeadline(time.Now()) // so that send ends
	}
	return elapsed, errors.Join(err, <-failed)
}
