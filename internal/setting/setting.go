// Package setting makes errors that name the fields of a Config, and lets a
// program whose users know the settings by other names, such as flags, say the
// same in its own words.
package setting

import "fmt"

// A Field is a field of a Config, as a program in Go calls it: Config.PadSize.
type Field string

// An Error is a text that may name Fields.
type Error struct {
	prefix string // the package's, as in "mqtte2e: "
	format string
	values []any
}

// Errorf returns an Error of what fmt.Sprintf makes of format and values, some
// of which may be Fields. prefix stands before it in Go only.
func Errorf(prefix, format string, values ...any) *Error { return &Error{prefix, format, values} }

// Error names the Fields as a program in Go does.
func (e *Error) Error() string { return e.prefix + fmt.Sprintf(e.format, e.values...) }

// In returns the text with other names for the Fields, and without prefix.
func (e *Error) In(name func(Field) string) string {
	values := make([]any, len(e.values))
	for i, value := range e.values {
		if field, ok := value.(Field); ok {
			value = name(field)
		}
		values[i] = value
	}
	return fmt.Sprintf(e.format, values...)
}
