package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

const (
	// testTime is how long each direction sends: long enough for the window
	// to grow at 200 ms of round trip, short enough to wait for.
	testTime = 5 * time.Second

	// testBlock is what is written at once, bytes.
	testBlock = 64 << 10

	// uploadEnd is how long the listener may take to get what is under way at
	// the end of an upload.
	uploadEnd = 30 * time.Second
)

func (a *app) speedtest() *cobra.Command {
	var f dialFlags
	cmd := &cobra.Command{
		Use:   "speedtest ADDRESS",
		Short: "Measure the throughput to a listener, both ways",
		Long:  "Measures the throughput to a listener that was started with --allow-speedtest, 5 s in each direction.",
		Args:  atMost(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.runSpeedtest(cmd.Context(), &f, args) },
	}
	f.register(cmd)
	return a.quiet(cmd)
}

func (a *app) runSpeedtest(ctx context.Context, f *dialFlags, args []string) error {
	endpoint, p, _, err := a.dialer(args, &f.settings)
	if err != nil {
		return err
	}
	defer endpoint.Close()
	c := client.New(endpoint, p.name, nil, a.logger)
	defer c.Close()
	for _, direction := range []struct {
		kind    tunnel.Kind
		name    string
		measure func(net.Conn, *meter) error
	}{{tunnel.Download, "download", download}, {tunnel.Upload, "upload", upload}} {
		stream, err := a.open(ctx, c, f.timeout, tunnel.Request{Kind: direction.kind})
		if err != nil {
			return err
		}
		m := newMeter(direction.name, ui.NewProgress(os.Stderr))
		stream.SetDeadline(m.start.Add(testTime + uploadEnd)) // PeerTimeout is far too long for somebody who watches
		stop := context.AfterFunc(ctx, func() { stream.SetDeadline(time.Unix(1, 0)) })
		err = direction.measure(stream, m)
		m.progress.Clear()
		stop()
		tunnel.Abort(stream)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return c.Explain(err)
		}
		if err := m.print(); err != nil {
			return err
		}
	}
	return nil
}

// download counts what arrives in testTime.
func download(stream net.Conn, m *meter) error {
	buffer := make([]byte, testBlock)
	stream.SetReadDeadline(m.start.Add(testTime))
	for {
		n, err := stream.Read(buffer)
		m.add(n)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err == io.EOF:
			return errors.New("the listener ended the measurement early")
		case err != nil:
			return err
		}
	}
}

// upload sends for testTime, and measures until the listener says that it has
// everything.
func upload(stream net.Conn, m *meter) error {
	buffer := make([]byte, testBlock)
	for time.Since(m.start) < testTime {
		n, err := stream.Write(buffer)
		m.add(n)
		if err != nil {
			return err
		}
	}
	if err := tunnel.CloseWrite(stream); err != nil {
		return err
	}
	stream.SetReadDeadline(time.Now().Add(uploadEnd))
	var received [8]byte
	if _, err := io.ReadFull(stream, received[:]); err != nil {
		return fmt.Errorf("waiting for what the listener has received: %w", err)
	}
	if n := binary.BigEndian.Uint64(received[:]); n != uint64(m.bytes) {
		return fmt.Errorf("the listener received %d bytes of %d", n, m.bytes)
	}
	m.end()
	return nil
}

// meter counts the bytes of one direction.
type meter struct {
	name     string
	progress *ui.Progress
	start    time.Time
	bytes    int64
	elapsed  time.Duration
	shown    time.Time
}

func newMeter(name string, progress *ui.Progress) *meter {
	now := time.Now()
	return &meter{name: name, progress: progress, start: now, shown: now}
}

// showInterval is how often progress is drawn.
const showInterval = 200 * time.Millisecond

func (m *meter) add(n int) {
	m.bytes += int64(n)
	m.end()
	if now := time.Now(); now.Sub(m.shown) > showInterval {
		m.shown = now
		m.progress.Show("%s %.1f MB/s", m.name, m.rate())
	}
}

// end notes that the last byte has arrived.
func (m *meter) end() { m.elapsed = time.Since(m.start) }

// rate is in 10^6 bytes a second.
func (m *meter) rate() float64 { return float64(m.bytes) / 1e6 / max(m.elapsed.Seconds(), 1e-9) }

func (m *meter) print() error {
	_, err := fmt.Printf("%s %.1f MB/s (%.1f MB in %.1f s)\n", m.name, m.rate(), float64(m.bytes)/1e6, m.elapsed.Seconds())
	return err
}
