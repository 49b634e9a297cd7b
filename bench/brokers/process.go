package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

// startTimeout is how long a broker may take until it listens: RabbitMQ takes 12 s on two idle cores.
const startTimeout = 2 * time.Minute

// process is a server that can be killed and started again. One goroutine at a time uses it.
type process struct {
	arguments   []string // the program first
	environment []string // beside this program's
	listens     []string // host:port, all of them once it is ready
	log         string   // the file of what it says

	running *exec.Cmd // nil while it does not run
}

// start starts the process and waits until it listens.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.running = exec.Command(p.arguments[0], p.arguments[1:]...)
	p.running.Env = append(os.Environ(), p.environment...)
	p.running.Stdout, p.running.Stderr = log, log
	group(p.running)
	if err := p.running.Start(); err != nil {
		p.running = nil
		return err
	}
	for _, host := range p.listens {
		if err := loopback.Await(host, startTimeout); err != nil {
			return fmt.Errorf("%w\n%s", err, p.said())
		}
	}
	return nil
}

// kill ends the process and its children without a farewell, as an outage does.
func (p *process) kill() {
	if p.running != nil {
		killGroup(p.running)
		p.running.Wait()
		p.running = nil
	}
}

// said returns the end of what the process said.
func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
