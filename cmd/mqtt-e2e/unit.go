package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/systemd"
)

// printUnit prints a unit that runs the verb listen with the same flags. The
// service reads files as credentials only, since it runs as a user that does
// not exist yet, and sees no home directories.
func (a *app) printUnit(f *listenFlags, p place, keys []secrets.Source) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	arguments, err := a.arguments(&f.settings, keys)
	if err != nil {
		return err
	}
	a.warnLeftOut(p)
	service := systemd.Service{Description: "mqtt-e2e listener " + p.name, Command: []systemd.Word{{Text: program}, {Text: "listen"}}}
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
	for _, word := range f.served() {
		service.Command = append(service.Command, systemd.Word{Text: word})
	}
	service.Command = append(service.Command, systemd.Word{Text: p.public()})
	_, err = fmt.Print(service.Unit())
	return err
}

// served returns the flags that say what is served.
func (f *listenFlags) served() []string {
	var words []string
	for _, flag := range []struct {
		name   string
		values []string
	}{{"--to", f.to}, {"--allow", f.allow}, {"--allow-remote", f.allowRemote}} {
		for _, value := range flag.values {
			words = append(words, flag.name, value)
		}
	}
	if f.speedtest {
		words = append(words, "--allow-speedtest")
	}
	return words
}
