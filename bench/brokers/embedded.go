package main

import (
	"net"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
	embedded "github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// prepareEmbedded prepares the broker of mqtt-e2e broker and mqtttest, in a process that can be killed.
func prepareEmbedded(dir string) (*broker, error) {
	hosts, err := loopback.Free(2)
	if err != nil {
		return nil, err
	}
	arguments, environment, err := self(embeddedRole, strings.Join(hosts, ","))
	if err != nil {
		return nil, err
	}
	b := &broker{ways: []way{over("TCP", "mqtt://"+hosts[0]), over("WebSocket", "ws://"+hosts[1]+"/mqtt")}}
	b.addNode(dir, hosts, arguments...).environment = environment
	return b, nil
}

// over returns a way on which both ends have the same address.
func over(name, address string) way { return way{name: name, dialer: address, listener: address} }

func runEmbedded(hosts string) error {
	b, err := embedded.New(embedded.Config{})
	if err != nil {
		return err
	}
	tcp, webSocket, _ := strings.Cut(hosts, ",")
	l, err := net.Listen("tcp", tcp)
	if err != nil {
		return err
	}
	if err := b.Listen(l); err != nil {
		return err
	}
	if l, err = net.Listen("tcp", webSocket); err != nil {
		return err
	}
	if err := b.ListenWebSocket(l); err != nil {
		return err
	}
	select {} // until it is killed
}
