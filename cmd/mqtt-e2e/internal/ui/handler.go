// Package ui writes what the command tells its user, on standard error:
//
//   - standard output is for data; nothing of this package goes there
//   - a line says one thing, begins with the program's name, and is short
//   - where no terminal shows it as it comes, the time is in front
//   - a state is told when it changes, not at each attempt
//   - an error says what failed, why, and which flag, file or machine to look at;
//     those of the library, which speak to programs in Go, are translated by kind
//   - progress is drawn over itself on a terminal, and not shown elsewhere
package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// handler is a slog.Handler for people: the time unless they watch, the
// program's name, a word if it is not plain information, the message, and the
// attributes as key=value.
type handler struct {
	level  slog.Leveler
	stamp  bool   // begin with the time
	prefix string // of keys, from WithGroup
	attrs  string // from WithAttrs

	mu  *sync.Mutex // guards out
	out io.Writer
}

// LevelTrace is below slog.LevelDebug: the library has a line for each packet at
// this level.
const LevelTrace slog.Level = -8

// stampLayout is RFC 3339 with milliseconds, of which every line has three.
const stampLayout = "2006-01-02T15:04:05.000Z07:00"

// NewLogger returns a logger that writes to file, lines for people or JSON.
// Where nobody watches the lines come, on a file or a pipe, they have the time.
func NewLogger(file *os.File, level slog.Leveler, json bool) *slog.Logger {
	var out io.Writer = file
	watched := IsTerminal(file)
	if watched {
		out = terminal{file}
	}
	if json {
		return slog.New(newJSONHandler(out, level))
	}
	return slog.New(newHandler(out, level, !watched))
}

func newJSONHandler(out io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, attr slog.Attr) slog.Attr {
		if level, ok := attr.Value.Any().(slog.Level); ok && attr.Key == slog.LevelKey && len(groups) == 0 && level <= LevelTrace {
			return slog.String(slog.LevelKey, "TRACE")
		}
		return slog.Attr{Key: attr.Key, Value: brief(attr.Value)}
	}})
}

func newHandler(out io.Writer, level slog.Leveler, stamp bool) *handler {
	return &handler{level: level, stamp: stamp, mu: new(sync.Mutex), out: out}
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, record slog.Record) error {
	var line strings.Builder
	if h.stamp {
		line.WriteString(record.Time.Format(stampLayout) + " ")
	}
	line.WriteString("mqtt-e2e: ")
	switch {
	case record.Level >= slog.LevelError:
		line.WriteString("error: ")
	case record.Level >= slog.LevelWarn:
		line.WriteString("warning: ")
	case record.Level <= LevelTrace:
		line.WriteString("trace: ")
	}
	line.WriteString(oneLine(record.Message))
	line.WriteString(h.attrs)
	record.Attrs(func(attr slog.Attr) bool {
		appendAttr(&line, h.prefix, attr)
		return true
	})
	line.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.out, line.String())
	return err
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var text strings.Builder
	for _, attr := range attrs {
		appendAttr(&text, h.prefix, attr)
	}
	more := *h
	more.attrs += text.String()
	return &more
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	more := *h
	more.prefix += name + "."
	return &more
}

func appendAttr(line *strings.Builder, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, member := range value.Group() {
			appendAttr(line, prefix+attr.Key+".", member)
		}
		return
	}
	text := brief(value).String()
	if text == "" || strings.ContainsFunc(text, needsQuotes) {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(line, " %s%s=%s", prefix, attr.Key, text)
}

// brief leaves out of an error what says nothing to people, such as the
// addresses of sockets, and says what to check at a broker.
func brief(value slog.Value) slog.Value {
	err, ok := value.Any().(error)
	if !ok {
		return value
	}
	var explained *Error
	if text, ok := inLog(err); ok && !errors.As(err, &explained) {
		return slog.StringValue(text)
	}
	return slog.StringValue(Brief(err))
}

func needsQuotes(r rune) bool { return r <= ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) }

// oneLine keeps what comes from elsewhere, such as an error of a broker, from
// moving the cursor or faking lines.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
