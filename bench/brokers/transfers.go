package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

// connected calls f with both ends of a Conn over connections to the broker of its own.
func (t *trial) connected(ctx context.Context, f func(near, far net.Conn) error) error {
	e, err := t.newEnds(ctx, nil, nil)
	if err != nil {
		return err
	}
	defer e.close()
	near, far, err := e.connect(ctx)
	if err != nil {
		return err
	}
	return f(near, far)
}

func (t *trial) bothWays(ctx context.Context) error {
	return t.connected(ctx, func(near, far net.Conn) error {
		there := make(chan error, 1)
		go func() {
			_, err := transfer(near, far, t.both)
			there <- err
		}()
		_, err := transfer(far, near, t.both)
		return errors.Join(err, <-there)
	})
}

// eachLength is what goes to and fro on each of many Conns, in bytes.
const eachLength = 1_000_000

func (t *trial) manyConns(ctx context.Context) error {
	e, err := t.newEnds(ctx, nil, nil)
	if err != nil {
		return err
	}
	defer e.close()
	go e.serveEcho()
	errs := make([]error, t.sizes.conns)
	start := time.Now()
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = e.echoOnce(ctx, content.At(int64(i)*9973, eachLength)) })
	}
	all.Wait()
	t.figures.conns = time.Since(start)
	return errors.Join(errs...)
}

// serveEcho sends back what comes, on every Conn.
func (e *ends) serveEcho() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

// echoOnce sends payload over a Conn of its own and checks what comes back.
func (e *ends) echoOnce(ctx context.Context, payload []byte) error {
	conn, err := e.dialer.Dial(ctx, name)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(payload)
		sent <- errors.Join(err, conn.CloseWrite())
	}()
	back, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, payload) {
		return fmt.Errorf("%d bytes came back, which are not the %d that were sent", len(back), len(payload))
	}
	return <-sent
}

func (t *trial) pausingReader(ctx context.Context) error {
	return t.connected(ctx, func(near, far net.Conn) error {
		_, err := transfer(near, &pausing{Conn: far, after: t.both / 4, pause: t.pause}, t.both)
		return err
	})
}

// pausing is a Conn whose reader pauses once.
type pausing struct {
	net.Conn
	after int64 // bytes until then; the reader's, as pause
	pause time.Duration
}

func (p *pausing) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if p.after -= int64(n); p.after <= 0 {
		time.Sleep(p.pause)
		p.pause = 0
	}
	return n, err
}
