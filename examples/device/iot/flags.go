package iot

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/message"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// Flags are the command line flags that device and controller share.
type Flags struct {
	Broker     string // empty: one of our own
	KeyFiles   []string
	padSize    int
	timeWindow time.Duration
	ntpServer  string
}

// Register adds the flags to set.
func (f *Flags) Register(set *flag.FlagSet) {
	set.StringVar(&f.Broker, "broker", "", "`address` of the broker, such as mqtts://broker.example (default: an embedded one on a loopback port)")
	set.Func("key-file", "`file` with the 16-byte key, as 32 hex digits or base64 (default: $MQTT_E2E_KEY_FILE, else a new key)", func(file string) error {
		f.KeyFiles = append(f.KeyFiles, file)
		return nil
	})
	set.IntVar(&f.padSize, "pad-size", PadSize, "pad shorter messages to this many `bytes`; -1: no padding")
	set.DurationVar(&f.timeWindow, "time-window", 10*time.Second, "how far a packet's time may be off")
	set.StringVar(&f.ntpServer, "ntp", "", "correct the clock by this time `server`, such as pool.ntp.org (default: trust the system's clock)")
}

// A NamedKey is a key, what its device is called, and where it was read. Name is empty where the topic has to tell.
type NamedKey struct {
	Name string
	Key  mqtte2e.Key
	File string
}

// Keys reads the key files. Each may be written NAME=FILE; of several, those without a name are called as their file is. There are none
// if no file was named.
func (f *Flags) Keys() ([]NamedKey, error) {
	files := f.KeyFiles
	if file := os.Getenv("MQTT_E2E_KEY_FILE"); len(files) == 0 && file != "" {
		files = []string{file}
	}
	var keys []NamedKey
	for _, file := range files {
		name, path, named := strings.Cut(file, "=")
		if !named {
			name, path = "", file
		}
		if !named && len(files) > 1 {
			name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		}
		key, err := readKey(path)
		if err != nil {
			return nil, err
		}
		keys = append(keys, NamedKey{name, key, path})
	}
	return keys, nil
}

func readKey(path string) (mqtte2e.Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return mqtte2e.Key{}, err
	}
	key, err := mqtte2e.ParseKey(string(text))
	if err != nil {
		return mqtte2e.Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// NewKeyFile writes a new key to a file that only this user can read.
func NewKeyFile() (path string, key mqtte2e.Key, err error) {
	file, err := os.CreateTemp("", "mqtt-e2e-*.key")
	if err != nil {
		return "", mqtte2e.Key{}, err
	}
	key = mqtte2e.NewKey()
	_, err = fmt.Fprintln(file, key.Hex())
	return file.Name(), key, errors.Join(err, file.Close())
}

// StartBroker starts the embedded broker on a loopback port, unless a broker was named. It returns the address to use.
func (f *Flags) StartBroker() (address string, stop func(), err error) {
	if f.Broker != "" {
		return f.Broker, func() {}, nil
	}
	return mqtttest.Start(nil)
}

// Apply sets what the flags say in config, and starts the clock that it follows.
func (f *Flags) Apply(ctx context.Context, config *message.Config) (stop func(), err error) {
	config.PadSize, config.TimeWindow = f.padSize, f.timeWindow
	if f.ntpServer == "" {
		return func() {}, nil
	}
	clock := &message.NTP{Server: f.ntpServer}
	if err := clock.Start(ctx); err != nil {
		return nil, err
	}
	config.Now = clock.Now
	return func() { clock.Close() }, nil
}
