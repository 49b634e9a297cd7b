package ui

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"
)

// maxWarned is how many kinds of warnings are remembered; after them it begins
// again. What goes wrong in one outage has two or three.
const maxWarned = 16

// socketAddress matches what differs between two errors of one kind: ports that
// the system chose, and which of a broker's addresses was tried.
var socketAddress = regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+|\[[0-9A-Fa-f:.]+(%[^\]]+)?\]):\d+(->)?`)

// A Status tells a state when it changes. It is safe for concurrent use.
type Status struct {
	logger *slog.Logger

	mu     sync.Mutex // guards all below
	last   string     // what the state is
	warned []string   // what was told to be wrong since it was right
}

// NewStatus returns a Status that tells logger.
func NewStatus(logger *slog.Logger) *Status { return &Status{logger: logger} }

// noticeAfter is how long a person is left without a word. Most connections are
// there in less; much longer, and one wonders.
const noticeAfter = 3 * time.Second

// Notice calls tell after a while, on a goroutine of its own, unless stop is
// called before.
func Notice(tell func()) (stop func()) {
	timer := time.AfterFunc(noticeAfter, tell)
	return func() { timer.Stop() }
}

// Info tells that the state is text, and as it should be, unless it is already.
func (s *Status) Info(text string, attrs ...any) {
	if s.isNews(text, attrs, false) {
		s.logger.Info(text, attrs...)
	}
}

// Warn tells that the state is text and not what it should be, once until it is
// again: failures of one cause take turns. Texts that differ only in the
// addresses of sockets are one.
func (s *Status) Warn(text string, attrs ...any) {
	if s.isNews(text, attrs, true) {
		s.logger.Warn(text, attrs...)
	}
}

func (s *Status) isNews(text string, attrs []any, wrong bool) bool {
	kind := socketAddress.ReplaceAllString(text, "") + fmt.Sprint(attrs...)
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.last != kind
	s.last = kind
	switch {
	case !wrong:
		s.warned = nil
		return news
	case slices.Contains(s.warned, kind):
		return false
	case len(s.warned) == maxWarned:
		s.warned = nil
	}
	s.warned = append(s.warned, kind)
	return true
}
