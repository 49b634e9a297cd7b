package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/examples/device/iot"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/message"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// lines hands on what is printed.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}

var advice = regexp.MustCompile(`-broker (mqtt://\S+) -key-file (\S+)\n`)

// TestProgram runs the program without flags and talks to it as it advises.
func TestProgram(t *testing.T) {
	t.Setenv("MQTT_E2E_KEY_FILE", "")
	ctx, stop := context.WithCancel(t.Context())
	printed, ended := make(lines, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-name", "attic", "-pad-size", "-1", "-time-window", "1m"}, printed)
	}()
	var found []string
	select {
	case text := <-printed:
		found = advice.FindStringSubmatch(text)
	case err := <-ended:
		t.Fatal(err)
	}
	if found == nil {
		t.Fatal("it did not say how to talk to it")
	}
	controller := dialController(t, found[1], found[2])
	defer controller.Close()
	if answer := ask(t, controller, "ping"); string(answer.Bytes) != "pong" || answer.Suffix() != "iot/attic" {
		t.Errorf("%s answered %q", answer.Suffix(), answer.Bytes)
	}
	if answer := ask(t, controller, "status\n"); !strings.HasPrefix(string(answer.Bytes), "Name=attic\nUptime=") {
		t.Errorf("status is %q", answer.Bytes)
	}
	if err := controller.Send(t.Context(), []byte("unknown")); err != nil {
		t.Error(err)
	}
	if answer := ask(t, controller, "ping"); string(answer.Bytes) != "pong" {
		t.Errorf("after an unknown command it answered %q", answer.Bytes)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(found[2]); !os.IsNotExist(err) {
		t.Errorf("its key file is still there: %v", err)
	}
}

func dialController(t *testing.T, address, keyFile string) *message.Session {
	t.Helper()
	keys, err := (&iot.Flags{KeyFiles: []string{keyFile}}).Keys()
	if err != nil {
		t.Fatal(err)
	}
	config := iot.ControllerConfig(keys[0].Key)
	session, err := message.Dial(t.Context(), address, &config)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func ask(t *testing.T, s *message.Session, command string) message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Send(ctx, []byte(command)); err != nil {
		t.Fatal(err)
	}
	answer, err := s.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestKeyFiles(t *testing.T) {
	directory := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := mqtte2e.NewKey()
	good, bad := write("garage.key", key.Hex()+"\n"), write("bad.key", "s3cret")
	t.Setenv("MQTT_E2E_KEY_FILE", good)
	for _, test := range []struct {
		files []string
		names []string
	}{
		{nil, []string{""}},
		{[]string{good}, []string{""}},
		{[]string{"attic=" + good}, []string{"attic"}},
		{[]string{good, "attic=" + good}, []string{"garage", "attic"}},
	} {
		keys, err := (&iot.Flags{KeyFiles: test.files}).Keys()
		if err != nil || len(keys) != len(test.names) {
			t.Fatalf("%q: %d keys, %v", test.files, len(keys), err)
		}
		for i, name := range test.names {
			if keys[i].Name != name || keys[i].Key != key || keys[i].File != good {
				t.Errorf("%q: key %d is %+v, want the name %q", test.files, i, keys[i], name)
			}
		}
	}
	for _, file := range []string{bad, filepath.Join(directory, "missing")} {
		if _, err := (&iot.Flags{KeyFiles: []string{file}}).Keys(); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := run(t.Context(), []string{"-key-file", good, "-key-file", good}, make(lines)); err == nil {
		t.Error("a device with two keys")
	}
}
