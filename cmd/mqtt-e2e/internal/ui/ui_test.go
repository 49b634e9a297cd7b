package ui

import (
	"errors"
	"log/slog"
	"strings"
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

func TestWarnLater(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var out strings.Builder
		status := NewStatus(NewLogger(&out, slog.LevelInfo, false))
		stop := status.WarnLater(func() string { return "never" })
		time.Sleep(noticeAfter - 1)
		stop()
		defer status.WarnLater(func() string { return "still waiting" })()
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
