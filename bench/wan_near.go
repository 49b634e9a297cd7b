package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// echoPatience is how long the last round trip may take after the measurement's end; it counts with what it took until then.
	echoPatience = 10 * time.Second

	// overrun is how much longer streams carry data than is measured, so that the last moment is like those before it.
	overrun = 500 * time.Millisecond

	// dialPatience is how long whoever serves may take to be there.
	dialPatience = 30 * time.Second
)

// nearReport is when streams were made, and the round trips.
type nearReport struct {
	Dialling, Dialled time.Time // of the last bulk stream
	Start             time.Time // of all bulk streams
	Echoes            []time.Duration
}

// near makes the streams, fills the bulk ones for the time that it is told, and measures round trips meanwhile.
func (s *wanSpec) near(io.Reader) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialPatience)
	defer cancel()
	dial, err := wanWays[s.Way].dial(s)
	if err != nil {
		return nil, err
	}
	var typist net.Conn
	if s.Echo {
		if typist, err = open(ctx, dial, echoKind); err != nil {
			return nil, err
		}
	}
	report := &nearReport{}
	bulks := make([]net.Conn, s.Bulks)
	for i := range bulks {
		report.Dialling = time.Now()
		if bulks[i], err = open(ctx, dial, i); err != nil {
			return nil, err
		}
		report.Dialled = time.Now()
	}
	report.Start = time.Now()
	for _, conn := range bulks {
		conn.SetWriteDeadline(report.Start.Add(s.For + overrun))
		go send(conn, writeSize, 1<<62)
	}
	end := report.Start.Add(s.For)
	if typist != nil {
		report.Echoes, err = echoes(typist, s.Pause, end)
	}
	time.Sleep(time.Until(end.Add(overrun)))
	return report, err
}

// open makes a stream and says what it is for. What serves a command's forward may not be there yet: then it tries again.
func open(ctx context.Context, dial func(context.Context, int) (net.Conn, error), kind int) (net.Conn, error) {
	for {
		conn, err := dial(ctx, kind)
		if err == nil {
			_, err = conn.Write([]byte{byte(kind)})
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// echoes measures round trips, one after the other, until end. One that does not come back counts with the time that it was waited for.
func echoes(conn net.Conn, pause time.Duration, end time.Time) (all []time.Duration, err error) {
	conn.SetReadDeadline(end.Add(echoPatience))
	back := make([]byte, echoSize)
	for i := int64(0); time.Now().Before(end); i++ {
		message := contentAt(i*echoSize, echoSize)
		start := time.Now()
		if _, err := conn.Write(message); err != nil {
			return all, fmt.Errorf("the echo beside the bulk: %w", err)
		}
		_, err := io.ReadFull(conn, back)
		var timeout net.Error
		if err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return all, fmt.Errorf("the echo beside the bulk: %w", err)
		}
		if err == nil && !bytes.Equal(back, message) {
			return all, errors.New("the echo beside the bulk is corrupt")
		}
		all = append(all, time.Since(start))
		time.Sleep(pause)
	}
	return all, nil
}
