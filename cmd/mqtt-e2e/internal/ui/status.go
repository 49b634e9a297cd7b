package ui

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Status tells a state when it changes. It is safe for concurrent use.
type Status struct {
	logger *slog.Logger

	mu   sync.Mutex // guards last
	last string
}

// NewStatus returns a Status that tells logger.
func NewStatus(logger *slog.Logger) *Status { return &Status{logger: logger} }

// Info tells that the state is text, unless that was told last.
func (s *Status) Info(text string, attrs ...any) { s.tell(slog.LevelInfo, text, attrs) }

// Warn tells that the state is text and not what it should be, unless that was
// told last.
func (s *Status) Warn(text string, attrs ...any) { s.tell(slog.LevelWarn, text, attrs) }

// noticeAfter is how long a person is left without a word. Most connections are
// there in less; much longer, and one wonders.
const noticeAfter = 3 * time.Second

// Notice calls tell after a while, on a goroutine of its own, unless stop is
// called before.
func Notice(tell func()) (stop func()) {
	timer := time.AfterFunc(noticeAfter, tell)
	return func() { timer.Stop() }
}

func (s *Status) tell(level slog.Level, text string, attrs []any) {
	s.mu.Lock()
	changed := s.last != text
	s.last = text
	s.mu.Unlock()
	if changed {
		s.logger.Log(context.Background(), level, text, attrs...)
	}
}
