package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

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
func (a *app) arguments(s *settings, keys []secrets.Source) ([]argument, error) {
	var all []argument
	for _, key := range keys {
		if key.File == "" {
			a.logger.Warn("the key is in the environment: what is printed here needs it there too, or a --key-file")
			continue
		}
		all = append(all, argument{"--key-file", key.File, true})
	}
	for _, argument := range []argument{
		{"--user", s.user, false},
		{"--password-file", s.passwordFile, true},
		{"--ca-file", s.caFile, true},
		{"--client-cert", s.clientCert, true},
		{"--client-key", s.clientKey, true},
		{"--topic-prefix", s.topicPrefix, false},
		{"--pad-size", number(s.padSize), false},
		{"--max-message-size", number(s.maxMessageSize), false},
		{"--peer-timeout", duration(s.peerTimeout), false},
	} {
		if argument.value != "" {
			all = append(all, argument)
		}
	}
	for i := range all {
		if err := all[i].makeAbsolute(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (a *argument) makeAbsolute() error {
	if !a.file {
		return nil
	}
	absolute, err := filepath.Abs(a.value)
	if err != nil {
		return fmt.Errorf("%s: %w", a.flag, err)
	}
	a.value = absolute
	return nil
}

// words returns the argument as it is typed. Values that begin with a hyphen
// would read as flags if they stood alone.
func (a argument) words() []string {
	if a.value[0] == '-' {
		return []string{a.flag + "=" + a.value}
	}
	return []string{a.flag, a.value}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// warnLeftOut says how a command line without the address's secrets gets them.
func (a *app) warnLeftOut(p place) {
	if p.parsed.Password != "" {
		a.logger.Warn("the password in the address is left out: put it in a file and give --password-file")
	}
	if strings.Contains(p.parsed.Path, "?") {
		a.logger.Warn("what follows ? in the address, a token perhaps, is left out: take the address out of what is printed here, and put the whole of it into " + addressVariable + " there")
	}
}
