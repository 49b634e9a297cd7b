package ui

import "strings"

// Quote returns text as one word of a POSIX shell.
func Quote(text string) string {
	if text != "" && text[0] != '#' && !strings.ContainsFunc(text, special) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// QuoteAll returns a command line of words.
func QuoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = Quote(word)
	}
	return strings.Join(quoted, " ")
}

// special reports whether a shell may see something in r. A # is special at the
// beginning only.
func special(r rune) bool {
	alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !alphanumeric && !strings.ContainsRune("/.,:_-+=@#", r)
}
