package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/mqtt-e2e/mqtte2e/examples/device/iot"
	"github.com/mqtt-e2e/mqtte2e/message"
)

const (
	// sendTimeout is how long a command waits for a broker that is away.
	sendTimeout = 10 * time.Second

	// patience is when to say that nobody answered, and how long to wait for answers when the input has ended.
	patience = 3 * time.Second
)

const help = `What you type is sent to every device: they know status and ping.
  @NAME COMMAND   to one device, where each has a key of its own
  bogus           a ping, and seven packets that every device must refuse (ask for their status then)
  stats           what this end has sent, received and refused
  quit
`

// A controller sends commands and prints answers.
type controller struct {
	session *message.Session
	out     io.Writer
	keys    []iot.NamedKey

	mu       sync.Mutex // guards what follows
	sent     time.Time  // when the last command was
	answered bool       // somebody spoke since
}

func newController(session *message.Session, keys []iot.NamedKey, out io.Writer) *controller {
	return &controller{session: session, out: out, keys: keys}
}

// run obeys lines until they end, and waits a little for the last answers.
func (c *controller) run(ctx context.Context, lines prompt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go c.printAnswers(ctx)
	input := make(chan string)
	go func() {
		defer close(input)
		for {
			line, err := lines.ReadLine()
			if err != nil {
				return
			}
			select {
			case input <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	fmt.Fprint(c.out, help)
	for {
		select {
		case line, more := <-input:
			if !more {
				return c.lastAnswers(ctx, lines)
			}
			if strings.TrimSpace(line) == "quit" {
				return nil
			}
			c.obey(ctx, strings.TrimSpace(line))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lastAnswers gives the devices time to answer the last line of a file or a pipe. Who ends a terminal's input wants to leave.
func (c *controller) lastAnswers(ctx context.Context, lines prompt) error {
	if lines.Interactive() {
		return nil
	}
	select {
	case <-time.After(patience):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *controller) obey(ctx context.Context, line string) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var err error
	switch {
	case line == "":
	case line == "help":
		fmt.Fprint(c.out, help)
	case line == "stats":
		fmt.Fprintf(c.out, "%+v\n", c.session.Stats())
	case line == "bogus":
		c.start()
		err = c.session.SendBogus(ctx, []byte("ping"))
	case strings.HasPrefix(line, "@"):
		err = c.sendToOne(ctx, line[1:])
	default:
		c.start()
		err = c.session.Send(ctx, []byte(line))
	}
	if err != nil {
		fmt.Fprintln(c.out, err)
	}
}

func (c *controller) sendToOne(ctx context.Context, line string) error {
	name, command, _ := strings.Cut(line, " ")
	for _, k := range c.keys {
		if k.Name == name && name != "" {
			c.start()
			return c.session.SendTo(ctx, k.Key, []byte(strings.TrimSpace(command)))
		}
	}
	return fmt.Errorf("no key belongs to a device called %q", name)
}

// start starts the watch for a command, and says so if nobody answers it.
func (c *controller) start() {
	now := time.Now()
	c.mu.Lock()
	c.sent, c.answered = now, false
	c.mu.Unlock()
	time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.sent.Equal(now) && !c.answered {
			fmt.Fprintf(c.out, "nobody has answered for %v: check that a device is running with this key, and both clocks\n", patience)
		}
	})
}

// printAnswers prints what arrives until ctx or the session ends.
func (c *controller) printAnswers(ctx context.Context) {
	for {
		m, err := c.session.Receive(ctx)
		if err != nil {
			return
		}
		c.mu.Lock()
		took := time.Since(c.sent)
		asked := !c.sent.IsZero()
		c.answered = true
		c.mu.Unlock()
		after := ""
		if asked {
			after = fmt.Sprintf(" after %v", took.Round(time.Microsecond))
		}
		fmt.Fprintf(c.out, "%s%s: %s\n", c.name(m), after, printable(m.Bytes))
	}
}

// name tells who spoke: by the key, which proves it, where the key is one device's, else by the topic, which the broker chose.
func (c *controller) name(m message.Message) string {
	for _, k := range c.keys {
		if k.Key == m.Key && k.Name != "" {
			return k.Name
		}
	}
	return printable([]byte(strings.TrimPrefix(m.Suffix(), iot.DevicePrefix)))
}

// printable keeps a device from steering the terminal, and indents its further lines.
func printable(text []byte) string {
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, string(text))
	return strings.ReplaceAll(strings.TrimSpace(clean), "\n", "\n    ")
}
