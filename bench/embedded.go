package main

import (
	"crypto/tls"
	"net"
	"os/exec"
	"strings"

	embeddedbroker "github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// embedded is the embedded broker.
type embedded struct {
	hosts  map[string]string
	tls    *tls.Config
	broker *embeddedbroker.Broker
}

func (e *embedded) start() error {
	b, err := embeddedbroker.New(embeddedbroker.Config{})
	if err != nil {
		return err
	}
	e.broker = b
	for scheme, host := range e.hosts {
		if err := e.listen(scheme, host); err != nil {
			return err
		}
	}
	return nil
}

func (e *embedded) listen(scheme, host string) error {
	l, err := net.Listen("tcp", host)
	if err != nil {
		return err
	}
	switch scheme {
	case "mqtts":
		return e.broker.Listen(tls.NewListener(l, e.tls))
	case "ws":
		return e.broker.ListenWebSocket(l)
	}
	return e.broker.Listen(l)
}

func (e *embedded) stop() {
	if e.broker != nil {
		e.broker.Close()
	}
}

// mosquittoVersion returns what the program calls itself.
func mosquittoVersion(program string) string {
	help, _ := exec.Command(program, "-h").Output() // exits with 3
	first, _, _ := strings.Cut(string(help), "\n")
	if first == "" {
		return "Mosquitto"
	}
	return "Mosquitto " + strings.TrimPrefix(first, "mosquitto version ") + ", default settings"
}
