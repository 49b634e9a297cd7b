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
	if err := a.measure(ctx, c, f.timeout, "download", tunnel.Download, download); err != nil {
		return err
	}
	return a.measure(ctx, c, f.timeout, "upload", tunnel.Upload, upload)
}

// measure measures one direction.
func (a *app) measure(ctx context.Context, c *client.Client, timeout time.Duration, name string, kind tunnel.Kind, transfer func(net.Conn, *meter) error) error {
	stream, err := a.open(ctx, c, timeout, tunnel.Request{Kind: kind})
	if err != nil {
		return err
	}
	defer tunnel.Abort(stream)
	m := &meter{name: name, progress: ui.NewProgress(os.Stderr), start: time.Now()}
	stream.SetDeadline(m.start.Add(testTime + uploadEnd)) // PeerTimeout is far too long for somebody who watches
	defer context.AfterFunc(ctx, func() { stream.SetDeadline(time.Unix(1, 0)) })()
	err = transfer(stream, m)
	m.progress.Clear()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return c.Explain(err)
	}
	return m.print()
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
	return nil
}

// meter counts the bytes of one direction.
type meter struct {
	name     string
	progress *ui.Progress
	start    time.Time
	bytes    int64
	shown    time.Duration // when, after start, progress was drawn
}

// showInterval is how often progress is drawn.
const showInterval = 200 * time.Millisecond

func (m *meter) add(n int) {
	m.bytes += int64(n)
	if elapsed := time.Since(m.start); elapsed > m.shown+showInterval {
		m.shown = elapsed
		m.progress.Show("%s %.1f MB/s", m.name, m.rate(elapsed))
	}
}

// rate is in 10^6 bytes a second.
func (m *meter) rate(elapsed time.Duration) float64 {
	return float64(m.bytes) / 1e6 / max(elapsed.Seconds(), 1e-9)
}

// print is called when the last byte has arrived.
func (m *meter) print() error {
	elapsed := time.Since(m.start)
	_, err := fmt.Printf("%s %.1f MB/s (%.1f MB in %.1f s)\n", m.name, m.rate(elapsed), float64(m.bytes)/1e6, elapsed.Seconds())
	return err
}
