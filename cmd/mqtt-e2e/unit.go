package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

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
	a.warnLeftOut(p)
	service := systemd.Service{Description: "mqtt-e2e " + verb + " " + p.name, Command: []systemd.Word{{Text: program}, {Text: verb}}}
	for i, argument := range arguments {
		if !argument.file {
			for _, word := range argument.words() {
				service.Command = append(service.Command, systemd.Word{Text: word})
			}
			continue
		}
		name := fmt.Sprintf("%s-%d", argument.flag[2:], i+1)
		service.Credentials = append(service.Credentials, systemd.Credential{Name: name, File: filepath.ToSlash(argument.value)})
		service.Command = append(service.Command, systemd.Word{Text: argument.flag}, systemd.Word{Credential: name})
	}
	for _, word := range words {
		service.Command = append(service.Command, systemd.Word{Text: word})
	}
	service.Command = append(service.Command, systemd.Word{Text: p.public()})
	_, err = fmt.Print(service.Unit())
	return err
}

// served returns the flags that say what is served.
func (f *listenFlags) served() []string {
	words := slices.Concat(repeated("--to", f.to), repeated("--allow", f.allow), repeated("--allow-remote", f.allowRemote))
	if f.speedtest {
		words = append(words, "--allow-speedtest")
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
