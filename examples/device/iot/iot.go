// Package iot is what the device and the controller examples share: what both ends must agree on, how each finds its broker and keys, and
// a device that answers commands.
package iot

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/message"
)

// What both ends agree on, as the original's examples have it: devices publish on iot/NAME and listen to the controller.
const (
	DevicePrefix     = "iot/"
	ControllerSuffix = "controller"
	PadSize          = 60 // bytes: a little more than a usual answer
)

// DeviceConfig is the Config of a device; broker, clock and limits are the caller's to add.
func DeviceConfig(name string, key mqtte2e.Key) message.Config {
	return message.Config{
		Keys:      []mqtte2e.Key{key},
		Publish:   DevicePrefix + name,
		Subscribe: ControllerSuffix,
		PadSize:   PadSize,
	}
}

// ControllerConfig is the Config of a controller that hears every device under keys.
func ControllerConfig(keys ...mqtte2e.Key) message.Config {
	return message.Config{
		Keys:      keys,
		Publish:   ControllerSuffix,
		Subscribe: DevicePrefix + "#",
		PadSize:   PadSize,
	}
}

// answerTimeout is how long an answer waits for a broker that is away: nobody waits for it any longer.
const answerTimeout = 10 * time.Second

// Serve answers status and ping on session until ctx or the session ends, and returns why. Other commands are for other programs and
// are not answered.
func Serve(ctx context.Context, session *message.Session, name string) error {
	started := time.Now()
	for {
		command, err := session.Receive(ctx)
		if err != nil {
			return err
		}
		switch strings.TrimSpace(string(command.Bytes)) {
		case "ping":
			answer(ctx, session, "pong")
		case "status":
			answer(ctx, session, status(name, time.Since(started), session.Stats()))
		}
	}
}

// answer sends text. Whether it arrives nobody knows; who asked will ask again.
func answer(ctx context.Context, session *message.Session, text string) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := session.Send(ctx, []byte(text)); err != nil {
		slog.Warn("not answered", "error", err)
	}
}

// status is a device's report. What it refused is part of it, so that the controller's bogus packets show.
func status(name string, uptime time.Duration, s message.Stats) string {
	return fmt.Sprintf("Name=%s\nUptime=%v\nRefused: forged=%d malformed=%d version=%d time=%d replayed=%d oversize=%d",
		name, uptime.Round(time.Second), s.Forged, s.Malformed, s.WrongVersion, s.WrongTime, s.Replayed, s.Oversize)
}
