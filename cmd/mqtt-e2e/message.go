package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/message"
)

// messageFlags are the flags of the verbs of message.
type messageFlags struct {
	settings
	topic      string
	subscribe  string
	timeWindow time.Duration
	timeout    time.Duration
	count      int
	devices    []string
}

func (a *app) message() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "message",
		Short: "Send and receive single sealed messages",
		Long: `Sends and receives single messages, sealed as toit-mqtt-e2e does (version 1). They
are sent once: the broker may lose them. ADDRESS has no name; topics say who is
meant. With a --fleet-key-file, --device says with which devices of the fleet: each
has topics under a key of its own.`,
	}
	cmd.AddCommand(a.messageSend(), a.messageReceive(), a.messageShell())
	return cmd
}

func (f *messageFlags) register(cmd *cobra.Command, topicUsage string) {
	flags := cmd.Flags()
	flags.StringVar(&f.topic, "topic", "", topicUsage)
	flags.DurationVar(&f.timeWindow, "time-window", 0, "how far the time of a message may be off (0: 10s)")
	f.settings.register(cmd)
	flags.StringArrayVar(&f.devices, "device", nil, "`NAME` of a device of the fleet; several: give it several times")
	for _, flag := range []string{"name", "topic-prefix", "max-message-size", "peer-timeout"} {
		flags.MarkHidden(flag)
	}
	flags.DurationVar(&f.timeout, "timeout", 20*time.Second, "give up if no broker is reached in this time")
}

// messageVerb completes a verb of message, whose topic is asked for if it is
// missing.
func (a *app) messageVerb(cmd *cobra.Command, topicUsage, question string, run func(context.Context, *messageFlags, place, []string) error) *messageFlags {
	f := new(messageFlags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, rest, err := a.findBroker(args)
		if err != nil {
			return err
		}
		if f.topic == "" {
			return usagef("--topic is missing: %s", question)
		}
		return run(cmd.Context(), f, p, rest)
	}
	f.register(cmd, topicUsage)
	return f
}

func (a *app) messageSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "send ADDRESS --topic SUFFIX [MESSAGE]",
		Short:   "Send one message",
		Long:    "Sends MESSAGE or, without one, all of standard input, which other users cannot see.",
		Example: "  echo status | mqtt-e2e message send mqtts://broker.example --topic controller",
		Args:    atMost(2),
	}
	a.messageVerb(cmd, "send to this topic under the key's base topic, such as controller or iot/`NAME`", "where does the message go?", a.runMessageSend)
	return a.quiet(cmd)
}

func (a *app) runMessageSend(ctx context.Context, f *messageFlags, p place, rest []string) (err error) {
	var text []byte
	switch len(rest) {
	case 0:
		if text, err = io.ReadAll(io.LimitReader(os.Stdin, message.MaxPacketSize+1)); err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
	case 1:
		text = []byte(rest[0])
	default:
		return usagef("%q is one argument too many: quote a message of several words", rest[1])
	}
	session, err := a.messageSession(ctx, f, p, f.topic, "")
	if err != nil {
		return err
	}
	defer session.Close()
	a.reachAll(ctx, session)
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return sendMessage(ctx, session, text)
}

// reachTimeout is how long a single message waits for the brokers that are not
// reached yet when the first one is: a round trip or several around the world,
// and not so long that a dead broker is a nuisance.
const reachTimeout = time.Second

// reachAll waits a moment for the brokers that are not reached yet: who is to get
// a message may be at one of them, and there is only this one.
func (a *app) reachAll(ctx context.Context, session *message.Session) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if err := session.Reach(ctx); err != nil {
		a.logger.Info("a broker does not get the message", "reason", err)
	}
}

// sendMessage sends one message.
func sendMessage(ctx context.Context, session *message.Session, text []byte) error {
	if len(text) > message.MaxMessageSize {
		return usagef("the message has more than the %d bytes that fit into one: split it", message.MaxMessageSize)
	}
	err := session.Send(ctx, text)
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted):
		return errInterrupted
	case errors.Is(err, mqtte2e.ErrBroker):
		return ui.Wrap(err, "the message may be lost: the connection to the broker broke as it was sent: check the network, and send it again")
	case errors.Is(err, context.DeadlineExceeded):
		return ui.Wrap(err, "the message was not sent in time: check the network, or give a longer --timeout")
	}
	return err
}

func (a *app) messageReceive() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "receive ADDRESS --topic FILTER",
		Short:   "Print the messages that arrive, one a line",
		Example: "  mqtt-e2e message receive mqtts://broker.example --topic 'iot/#'",
		Args:    atMost(1),
	}
	f := a.messageVerb(cmd, "listen to this topic under the key's base topic; + and # as in MQTT (`FILTER`)", "which messages?", a.runMessageReceive)
	cmd.Flags().IntVarP(&f.count, "count", "c", 0, "end after so many messages (0: never)")
	return cmd
}

func (a *app) runMessageReceive(ctx context.Context, f *messageFlags, p place, _ []string) error {
	if f.count < 0 {
		return usagef("-c %d: write after how many messages to end, or 0", f.count)
	}
	session, err := a.messageSession(ctx, f, p, "", f.topic)
	if err != nil {
		return err
	}
	defer session.Close()
	a.logger.Info("receiving", "topic", f.topic)
	for n := 0; f.count == 0 || n < f.count; n++ {
		m, err := session.Receive(ctx)
		if err != nil {
			return causeOr(ctx, err)
		}
		if err := printMessage(os.Stdout, m); err != nil {
			return err
		}
	}
	return nil
}

// printMessage writes a message as a line: the device that it is from, if that is
// one of a fleet, its topic, and the message, which is quoted if it is more than a
// line of text, with tabs between.
func printMessage(out io.Writer, m message.Message) error {
	from := ""
	if m.Device != "" {
		from = m.Device + "\t"
	}
	_, err := fmt.Fprintf(out, "%s%s\t%s\n", from, oneLine(m.Suffix()), oneLine(string(m.Bytes)))
	return err
}

// causeOr returns why the context ended, if it did, else err.
func causeOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// messageSession connects to the broker. It tries for as long as --timeout
// says.
func (a *app) messageSession(ctx context.Context, f *messageFlags, p place, publish, subscribe string) (*message.Session, error) {
	if p.name != "" {
		return nil, usagef("messages have no listener: leave out the name, and say with --topic who is meant")
	}
	config, err := a.messageConfig(f, p, publish, subscribe)
	if err != nil {
		return nil, err
	}
	where := ui.Place{At: p.parsed, Filter: "--topic"}
	if publish != "" {
		where.Filter = "--subscribe"
	}
	var session *message.Session
	err = a.try(ctx, f.timeout, func() string { return where.Waits(false) }, func(ctx context.Context) error {
		var err error
		session, err = message.Dial(ctx, p.broker, config)
		if err != nil && !errors.Is(err, mqtte2e.ErrBroker) {
			err = client.Setup(err)
		}
		return where.Explain(err)
	})
	return session, err
}

func (a *app) messageConfig(f *messageFlags, p place, publish, subscribe string) (*message.Config, error) {
	keys, err := f.keys()
	if err != nil {
		return nil, err
	}
	password, tlsConfig, err := f.credentials(p)
	if err != nil {
		return nil, err
	}
	config := &message.Config{
		Publish:    publish,
		Subscribe:  subscribe,
		PadSize:    f.padSize,
		TimeWindow: f.timeWindow,
		Username:   f.user,
		Password:   password,
		TLSConfig:  tlsConfig,
		Logger:     a.logger,
	}
	return config, f.speakWith(config, keys)
}

// speakWith sets with whom messages are exchanged.
func (f *messageFlags) speakWith(config *message.Config, keys []secrets.Source) error {
	fleet := keys[0].Fleet
	switch {
	case fleet && len(f.devices) == 0:
		return usagef("which devices of the fleet? name them with --device NAME")
	case !fleet && len(f.devices) > 0:
		return errNoFleet
	case fleet:
		config.Fleet, config.Devices = keys[0].Key, f.devices
		return nil
	}
	for _, key := range keys {
		config.Keys = append(config.Keys, key.Key)
	}
	return nil
}
