package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/bench/content"
	"github.com/mqtt-e2e/mqtte2e/bench/limit"
)

// phases are how long a service is tried: first while the sender learns, and then while it is measured.
type phases struct{ learning, measured time.Duration }

var (
	fullPhases  = phases{20 * time.Second, time.Minute}
	shortPhases = phases{3 * time.Second, 7 * time.Second}
)

// outcome is what became of a transfer over a service.
type outcome struct {
	goodput     float64 // bytes a second, while measured
	learning    int64   // disconnects while the sender learnt
	disconnects int64   // and while it was measured
	reconnects  uint64  // of either end, for whatever reason
	names       int     // that a listener could have, of namesTried
	refusal     error   // of the next
	perPacket   uint64  // bytes of the stream in a packet, of all that were sent
	said        []string
}

// namesTried is how many names a listener is given at most.
const namesTried = 60

// try puts the rules in front of the broker at host and moves through them what they allow.
func (s service) try(ctx context.Context, host string, p phases) (o outcome, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return o, err
	}
	defer l.Close()
	proxy := &limit.Proxy{Rules: s.rules, Broker: host, Delay: distance}
	go proxy.Serve(l)
	w := over("", "mqtt://"+l.Addr().String())
	if o.names, o.refusal, err = w.countNames(ctx); err != nil {
		return o, err
	}
	var heard warnings
	e, err := w.newEnds(ctx, nil, slog.New(&heard))
	if err != nil {
		return o, err
	}
	defer e.close()
	return o, o.transfer(ctx, e, proxy, p, &heard)
}

// transfer sends as fast as it can and checks what comes.
func (o *outcome) transfer(ctx context.Context, e *ends, proxy *limit.Proxy, p phases, heard *warnings) error {
	near, far, err := e.connect(ctx)
	if err != nil {
		return err
	}
	var received atomic.Int64
	failed := make(chan error, 2)
	go func() { failed <- send(near, 1<<62) }()
	go func() { failed <- compare(far, &received) }()
	before := proxy.Report().Disconnects
	wait(ctx, p.learning)
	start, begun := received.Load(), time.Now()
	o.learning = proxy.Report().Disconnects - before
	wait(ctx, p.measured)
	o.goodput = float64(received.Load()-start) / time.Since(begun).Seconds()
	o.disconnects = proxy.Report().Disconnects - before - o.learning
	near.SetDeadline(time.Now()) // what is still on its way would take a slow service a minute
	far.SetDeadline(time.Now())
	for range 2 {
		if ended := <-failed; !errors.Is(ended, os.ErrDeadlineExceeded) {
			err = errors.Join(err, ended)
		}
	}
	if stats := near.(*mqtte2e.Conn).Stats(); stats.PacketsSent > 0 {
		o.perPacket = stats.BytesSent / stats.PacketsSent
	}
	near.(*mqtte2e.Conn).Reset()
	o.reconnects, o.said = reconnects(near)+reconnects(far), heard.list()
	return err
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// compare reads until it fails and compares what comes with the content.
func compare(r io.Reader, received *atomic.Int64) error {
	buffer := make([]byte, readSize)
	for {
		n, err := r.Read(buffer)
		if at := received.Load(); !bytes.Equal(buffer[:n], content.At(at, n)) {
			return fmt.Errorf("behind %d bytes something else arrives than was sent", at)
		}
		received.Add(int64(n))
		if err != nil {
			return err
		}
	}
}

// countNames returns how many names a listener can have, and why the next was refused.
func (w way) countNames(ctx context.Context) (n int, refusal, err error) {
	e, err := w.newEnds(ctx, nil, nil)
	if err != nil {
		return 0, nil, err
	}
	defer e.close()
	for n = 1; n < namesTried; n++ {
		if _, err := e.acceptor.Listen(ctx, fmt.Sprint("name", n)); err != nil {
			return n, err, nil
		}
	}
	return n, nil, nil
}

// warnings is an slog.Handler that keeps warnings and errors.
type warnings struct {
	mu    sync.Mutex // guards all below
	texts []string   // different ones, at most as many as the project has
	times map[string]int
}

func (h *warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (h *warnings) WithAttrs([]slog.Attr) slog.Handler               { return h }
func (h *warnings) WithGroup(string) slog.Handler                    { return h }

func (h *warnings) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.times == nil {
		h.times = make(map[string]int)
	}
	if h.times[r.Message]++; h.times[r.Message] == 1 {
		h.texts = append(h.texts, r.Message)
	}
	return nil
}

// list returns what was said, with how often if that is not once.
func (h *warnings) list() (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, text := range h.texts {
		if n := h.times[text]; n > 1 {
			text = fmt.Sprintf("%s (%d times)", text, n)
		}
		list = append(list, text)
	}
	return list
}
