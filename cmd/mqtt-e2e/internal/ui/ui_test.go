package ui

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestHandler(t *testing.T) {
	var out strings.Builder
	logger := NewLogger(&out, slog.LevelInfo, false)
	logger.Debug("not shown")
	logger.With("peer", "peer-1").WithGroup("g").Info("hello", "n", 5, slog.Group("in", "x", "a b"))
	logger.Warn("careful\x1b[2J\nsecond", "error", errors.New("line\nbreak"))
	logger.Error("over")
	want := "mqtt-e2e: hello peer=peer-1 g.n=5 g.in.x=\"a b\"\n" +
		"mqtt-e2e: warning: careful [2J second error=\"line\\nbreak\"\n" +
		"mqtt-e2e: error: over\n"
	if out.String() != want {
		t.Errorf("written:\n%swant:\n%s", out.String(), want)
	}
}

// TestErrorsAreBrief has an error of a socket: its addresses tell nobody anything.
func TestErrorsAreBrief(t *testing.T) {
	broken := fmt.Errorf("writing to the broker: %w", &net.OpError{Op: "write", Net: "tcp", Source: &net.TCPAddr{Port: 39190}, Addr: &net.TCPAddr{Port: 1883}, Err: syscall.ECONNRESET})
	for json, want := range map[bool]string{false: `reason="it reset the connection"`, true: `"reason":"it reset the connection"`} {
		var out strings.Builder
		NewLogger(&out, slog.LevelInfo, json).Info("over", "reason", broken)
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "39190") {
			t.Errorf("written: %s", &out)
		}
	}
}

func TestStatusTellsChanges(t *testing.T) {
	var out strings.Builder
	status := NewStatus(NewLogger(&out, slog.LevelInfo, false))
	status.Warn("down")
	status.Warn("down")
	status.Info("up")
	status.Warn("down")
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("%d lines:\n%s", got, &out)
	}
}

func TestNotice(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var out strings.Builder
		status := NewStatus(NewLogger(&out, slog.LevelInfo, false))
		stop := Notice(func() { status.Warn("never") })
		time.Sleep(noticeAfter - 1)
		stop()
		defer Notice(func() { status.Warn("still waiting") })()
		time.Sleep(noticeAfter)
		simtest.Wait()
		if want := "mqtt-e2e: warning: still waiting\n"; out.String() != want {
			t.Errorf("written %q, want %q", &out, want)
		}
	})
}

func TestNilProgress(t *testing.T) {
	var p *Progress
	p.Show("%d", 1)
	p.Clear()
}
