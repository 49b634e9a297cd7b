package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
)

// An argument is a flag with its value, for a command line that is to be
// printed.
type argument struct {
	flag  string
	value string
	file  bool // value is an absolute path
}

// arguments returns the settings as flags, with the key files that are in use
// and absolute paths. The name is left out, since it goes with the address.
func (a *app) arguments(s *settings, keys []secrets.Source) (all []argument, err error) {
	add := func(flag string, value any, file bool) {
		text := fmt.Sprint(value)
		switch value {
		case "", 0, time.Duration(0):
			return
		}
		if file && err == nil {
			text, err = filepath.Abs(text)
		}
		all = append(all, argument{flag, text, file})
	}
	for _, key := range keys {
		if key.File == "" {
			a.logger.Warn("the key is in the environment: what is printed here needs it there too, or a --key-file")
		}
		flag := "--key-file"
		if key.Fleet {
			flag = "--fleet-key-file"
		}
		add(flag, key.File, true)
	}
	add("--user", s.user, false)
	add("--password-file", s.passwordFile, true)
	add("--ca-file", s.caFile, true)
	add("--client-cert", s.clientCert, true)
	add("--client-key", s.clientKey, true)
	add("--topic-prefix", s.topicPrefix, false)
	add("--pad-size", s.padSize, false)
	add("--max-message-size", s.maxMessageSize, false)
	add("--peer-timeout", s.peerTimeout, false)
	return all, err
}

// words returns the argument as it is typed. Values that begin with a hyphen
// would read as flags if they stood alone.
func (a argument) words() []string {
	if a.value[0] == '-' {
		return []string{a.flag + "=" + a.value}
	}
	return []string{a.flag, a.value}
}

// allWords returns the arguments as they are typed.
func allWords(arguments []argument) (words []string) {
	for _, argument := range arguments {
		words = append(words, argument.words()...)
	}
	return words
}

// checkPrintable is an error if a word of a command line that is to be printed
// would end its line, or hide on a terminal. It names the flag in front of it.
func checkPrintable(words []string) error {
	for i, word := range words {
		flag, _, joined := strings.Cut(word, "=")
		switch {
		case !strings.ContainsFunc(word, unicode.IsControl):
			continue
		case i == 0:
			flag = "the path of this program"
		case strings.HasPrefix(words[i-1], "-"):
			flag = words[i-1]
		case !joined || flag[0] != '-':
			flag = "an argument"
		}
		return usagef("%s has a line break or another control character, which cannot be in what is printed here: take it out, or rename the file", flag)
	}
	return nil
}

// warnLeftOut says how a command line without the address's secrets gets them.
func (a *app) warnLeftOut(p place) {
	switch {
	case p.several() && p.has(aPassword):
		a.logger.Warn("the passwords in the address are left out: take the address out of what is printed here, and put the whole of it into " + addressVariable + " there; if all brokers have the same user and password, --user and --password-file do")
	case p.has(aPassword):
		a.logger.Warn("the password in the address is left out: put it in a file and give --password-file")
	}
	if p.has(aQuery) {
		a.logger.Warn("what follows ? in the address, a token perhaps, is left out: take the address out of what is printed here, and put the whole of it into " + addressVariable + " there")
	}
}
