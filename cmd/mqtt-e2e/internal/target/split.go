package target

import (
	"errors"
	"fmt"
	"strings"
)

var errBrackets = errors.New("brackets are for IPv6 addresses only")

// split cuts text at its colons, but not inside brackets, which it removes.
func split(text string) (parts []string, err error) {
	for {
		part, rest, more := strings.Cut(text, ":")
		if strings.HasPrefix(text, "[") {
			inside, behind, closed := strings.Cut(text[1:], "]")
			if !closed || !strings.Contains(inside, ":") || behind != "" && behind[0] != ':' {
				return nil, errBrackets
			}
			part, rest, more = inside, strings.TrimPrefix(behind, ":"), behind != ""
		}
		parts = append(parts, part)
		if !more {
			return parts, nil
		}
		text = rest
	}
}

// splitPort cuts [HOST:]PORT, IPv6 in brackets, into one part or two. The example
// is for errors.
func splitPort(text, example string) ([]string, error) {
	parts, err := split(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w, as in %s", text, err, example)
	}
	if len(parts) > 2 {
		return nil, fmt.Errorf("%q: put an IPv6 address in brackets, as in %s", text, example)
	}
	return parts, nil
}
