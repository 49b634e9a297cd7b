// Command device is a device on an untrusted broker: it answers the commands status and ping of whoever holds its key, as the device of
// toit-mqtt-e2e's example does. Run it, and then the controller as it says.
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
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "device:", err)
		os.Exit(1)
	}
}

// run is the program, until ctx ends.
func run(ctx context.Context, arguments []string, out io.Writer) error {
	var flags iot.Flags
	set := flag.NewFlagSet("device", flag.ContinueOnError)
	flags.Register(set)
	name := set.String("name", "esp32x", "what the device is called")
	if err := set.Parse(arguments); err != nil {
		return err
	}
	keyFile, key, forget, err := deviceKey(&flags)
	if err != nil {
		return err
	}
	defer forget()
	address, stopBroker, err := flags.StartBroker()
	if err != nil {
		return err
	}
	defer stopBroker()
	config := iot.DeviceConfig(*name, key)
	config.Logger = slog.Default()
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
	fmt.Fprintf(out, "%s is listening. Talk to it with\n  go run ./examples/controller -broker %s -key-file %s\n", *name, brokerForOthers(&flags, address), keyFile)
	return iot.Serve(ctx, session, *name)
}

// brokerForOthers is the address to print. One that was given may hold a password.
func brokerForOthers(flags *iot.Flags, address string) string {
	if flags.Broker != "" {
		return "ADDRESS"
	}
	return address
}

// deviceKey returns the key of the only key file; without one it makes a file, which forget removes.
func deviceKey(flags *iot.Flags) (file string, key mqtte2e.Key, forget func(), err error) {
	keys, err := flags.Keys()
	switch {
	case err != nil:
		return "", mqtte2e.Key{}, nil, err
	case len(keys) > 1:
		return "", mqtte2e.Key{}, nil, errors.New("a device has one key: give -key-file once")
	case len(keys) == 1:
		return keys[0].File, keys[0].Key, func() {}, nil
	}
	file, key, err = iot.NewKeyFile()
	return file, key, func() { os.Remove(file) }, err
}
