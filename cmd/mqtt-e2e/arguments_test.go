package main

import (
	"strings"
	"testing"
)

func TestCheckPrintable(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string // what the error begins with; empty: there is none
	}{
		{[]string{"/bin/x", "connect", "--user", "ünï ✓", "mqtt://h#n"}, ""},
		{[]string{"/bin/x", "connect", "--user", "a\nb", "mqtt://h#n"}, "--user "},
		{[]string{"/bin/x", "connect", "--user", "a\r"}, "--user "},
		{[]string{"/bin/x", "connect", "--user", "\x00"}, "--user "},
		{[]string{"/bin/x", "connect", "--user", "\x1b[2J"}, "--user "},
		{[]string{"/bin/x", "connect", "--user", "\u0085"}, "--user "},
		{[]string{"/bin/x", "connect", "--topic-prefix=-a=\n"}, "--topic-prefix "},
		{[]string{"/bin/x", "connect", "a=\n"}, "an argument "},
		{[]string{"/bin/\nx", "connect"}, "the path "},
	} {
		err := checkPrintable(test.words)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v", test.words, err)
		}
	}
}
