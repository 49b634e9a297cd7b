package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/systemd"
)

// printUnit prints a unit that runs a verb with the settings, and with words,
// which are the flags that only this verb has. The service reads files as
// credentials only, since it runs as a user that does not exist yet, and sees no
// home directories.
func (a *app) printUnit(verb string, words []string, s *settings, p place, keys []secrets.Source) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	arguments, err := a.arguments(s, keys)
	if err != nil {
		return err
	}
	if err := checkPrintable(slices.Concat([]string{program}, allWords(arguments), words)); err != nil {
		return err
	}
	a.warnLeftOut(p)
	service := systemd.NewService("mqtt-e2e " + verb + " " + p.name)
	service.Add(program, verb)
	for i, argument := range arguments {
		if !argument.file {
			service.Add(argument.words()...)
			continue
		}
		service.Add(argument.flag)
		service.AddFile(fmt.Sprintf("%s-%d", argument.flag[2:], i+1), filepath.ToSlash(argument.value))
	}
	service.Add(words...)
	service.Add(p.public())
	_, err = fmt.Print(service.Unit())
	return err
}

// served returns the flags that say what is served.
func (f *listenFlags) served() []string {
	words := slices.Concat(repeated("--to", f.to), repeated("--allow", f.allow), repeated("--allow-remote", f.allowRemote))
	if f.speedtest {
		words = append(words, "--allow-speedtest")
	}
	if f.maxSessions != 0 {
		words = append(words, "--max-sessions", strconv.Itoa(f.maxSessions))
	}
	if f.maxStreams != 0 {
		words = append(words, "--max-streams", strconv.Itoa(f.maxStreams))
	}
	return words
}

// forwarded returns the flags that say what is forwarded.
func (f *forwardFlags) forwarded() []string {
	return slices.Concat(repeated("-L", f.localTexts), repeated("-R", f.remoteTexts), repeated("-D", f.dynamicTexts))
}

// repeated returns a flag as often as it has values.
func repeated(flag string, values []string) []string {
	var words []string
	for _, value := range values {
		words = append(words, flag, value)
	}
	return words
}
