package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
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
	report := &nearReport{}
	bulks, typist, err := s.openAll(report)
	if err != nil {
		return nil, err
	}
	report.Start = time.Now()
	end := report.Start.Add(s.For)
	for _, conn := range bulks {
		conn.SetWriteDeadline(end.Add(overrun))
		go send(conn, writeSize, 1<<62)
	}
	if typist != nil {
		report.Echoes, err = echoes(typist, s.Pause, end)
	}
	time.Sleep(time.Until(end.Add(overrun)))
	return report, err
}

// openAll makes the bulk streams and, if there is to be an echo, the one for it.
func (s *wanSpec) openAll(report *nearReport) (bulks []net.Conn, typist net.Conn, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialPatience)
	defer cancel()
	dial, err := wanWays[s.Way].dial(s)
	if err != nil {
		return nil, nil, err
	}
	if s.Echo {
		if typist, err = open(ctx, dial, echoKind); err != nil {
			return nil, nil, err
		}
	}
	for i := range s.Bulks {
		report.Dialling = time.Now()
		conn, err := open(ctx, dial, i)
		if err != nil {
			return nil, nil, err
		}
		report.Dialled = time.Now()
		bulks = append(bulks, conn)
	}
	return bulks, typist, nil
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
	conn.SetDeadline(end.Add(echoPatience))
	for i := int64(0); time.Now().Before(end); i++ {
		start := time.Now()
		if err := roundTrip(conn, content.At(i*echoSize, echoSize)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return all, fmt.Errorf("the echo beside the bulk: %w", err)
		}
		all = append(all, time.Since(start))
		time.Sleep(pause)
	}
	return all, nil
}

func roundTrip(conn net.Conn, message []byte) error {
	if _, err := conn.Write(message); err != nil {
		return err
	}
	back := make([]byte, len(message))
	if _, err := io.ReadFull(conn, back); err != nil {
		return err
	}
	if !bytes.Equal(back, message) {
		return errors.New("other bytes came back than were sent")
	}
	return nil
}
