// Command controller is a prompt that sends commands to devices over an untrusted broker and shows which answered and how long it took,
// as the controller of toit-mqtt-e2e's example does. Run without flags, it brings a broker and three devices of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/examples/device/iot"
	"github.com/mqtt-e2e/mqtte2e/message"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	prompt, restore, err := newPrompt(os.Stdin, os.Stdout)
	if err == nil {
		err = run(ctx, os.Args[1:], prompt, os.Stderr)
		restore()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(1)
	}
}

// run is the program, until ctx or the prompt's lines end.
func run(ctx context.Context, arguments []string, prompt prompt, usage io.Writer) error {
	var flags iot.Flags
	set := flag.NewFlagSet("controller", flag.ContinueOnError)
	set.SetOutput(usage)
	flags.Register(set)
	if err := set.Parse(arguments); err != nil {
		return err
	}
	keys, err := flags.Keys()
	if err != nil {
		return err
	}
	if len(keys) == 0 && flags.Broker != "" {
		return errors.New("no key: give -key-file, once for each device that has a key of its own, as NAME=FILE")
	}
	address, stopBroker, err := flags.StartBroker()
	if err != nil {
		return err
	}
	defer stopBroker()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if flags.Broker == "" {
		fmt.Fprintf(prompt, "The broker is %s\n", address)
	}
	if len(keys) == 0 {
		if keys, err = startDevices(ctx, address, "kitchen", "garage", "attic"); err != nil {
			return err
		}
	}
	return control(ctx, &flags, address, keys, prompt)
}

// control connects and hands the prompt's lines to a controller.
func control(ctx context.Context, flags *iot.Flags, address string, keys []iot.NamedKey, prompt prompt) error {
	config := iot.ControllerConfig(justKeys(keys)...)
	config.Logger = slog.New(slog.NewTextHandler(prompt, &slog.HandlerOptions{Level: slog.LevelWarn}))
	stopClock, err := flags.Apply(ctx, &config)
	if err != nil {
		return err
	}
	defer stopClock()
	session, err := message.Dial(ctx, address, &config)
	if err != nil {
		return err
	}
	defer session.Close()
	return newController(session, keys, prompt).run(ctx, prompt)
}

func justKeys(named []iot.NamedKey) []mqtte2e.Key {
	keys := make([]mqtte2e.Key, len(named))
	for i, n := range named {
		keys[i] = n.Key
	}
	return keys
}

// startDevices runs devices in this process, each with a key of its own, until ctx ends.
func startDevices(ctx context.Context, address string, names ...string) ([]iot.NamedKey, error) {
	var keys []iot.NamedKey
	for _, name := range names {
		key := mqtte2e.NewKey()
		config := iot.DeviceConfig(name, key)
		session, err := message.Dial(ctx, address, &config)
		if err != nil {
			return nil, err
		}
		go func() {
			defer session.Close()
			iot.Serve(ctx, session, name)
		}()
		keys = append(keys, iot.NamedKey{Name: name, Key: key})
	}
	return keys, nil
}
