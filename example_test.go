package mqtte2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// exampleBroker stands for a broker that both programs reach. In a test of your
// own, mqtttest.Broker starts the same one. stop waits until both have left, as
// a broker that serves others too does not go away right after them.
func exampleBroker() (address string, stop func()) {
	b, err := broker.New(broker.Config{})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	clients := &clients{Listener: listener}
	if err := b.Listen(clients); err != nil {
		log.Fatal(err)
	}
	return "mqtt://" + listener.Addr().String(), func() {
		clients.connected.Wait()
		b.Close()
	}
}

// clients counts the open connections that it accepted.
type clients struct {
	net.Listener
	connected sync.WaitGroup
}

func (c *clients) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.connected.Add(1)
	return &client{Conn: conn, left: sync.OnceFunc(c.connected.Done)}, nil
}

type client struct {
	net.Conn
	left func()
}

func (c *client) Close() error {
	c.left()
	return c.Conn.Close()
}

// Two programs that share a key and a broker talk over a net.Conn.
func Example() {
	address, stop := exampleBroker() // such as mqtts://broker.example
	defer stop()
	config := &mqtte2e.Config{Key: mqtte2e.NewKey()} // the same key at both ends
	ctx := context.Background()

	// On the device:
	listener, err := mqtte2e.Listen(ctx, address+"#thermostat", config)
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				name, err := bufio.NewReader(conn).ReadString('\n')
				if err == nil {
					fmt.Fprintf(conn, "hello, %s", name)
				}
			}()
		}
	}()

	// Anywhere else:
	conn, err := mqtte2e.Dial(ctx, address+"#thermostat", config)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(conn, "gopher")
	answer, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(answer))
	if err := conn.Shutdown(ctx); err != nil { // Close, once the other side knows
		log.Fatal(err)
	}
	// Output: hello, gopher
}

// A program that exits right after its last Write uses Shutdown: when that
// returns nil, the peer has everything.
func ExampleConn_Shutdown() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()
	ctx := context.Background()
	listener, err := endpoint.Listen(ctx, "log")
	if err != nil {
		log.Fatal(err)
	}

	conn, err := endpoint.Dial(ctx, "log")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(conn, "the last words")
	if err := conn.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}

	accepted, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	defer accepted.Close()
	text, err := io.ReadAll(accepted)
	fmt.Printf("%s, %v\n", text, err)
	// Output: the last words, <nil>
}

// An Endpoint is one connection to the broker for any number of Conns and
// Listeners.
func ExampleEndpoint() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()
	ctx := context.Background()
	for _, name := range []string{"kitchen", "cellar"} {
		listener, err := endpoint.Listen(ctx, name)
		if err != nil {
			log.Fatal(err)
		}
		defer listener.Close()
	}
	for _, name := range []string{"kitchen", "cellar"} {
		conn, err := endpoint.Dial(ctx, name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(conn.RemoteAddr())
		conn.Close()
	}
	// Output:
	// kitchen:0
	// cellar:0
}
