package broker

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// start runs a broker on a loopback port and returns its host:port.
func start(t *testing.T, config Config) string {
	t.Helper()
	b, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	listener := loopback(t)
	if err := b.Listen(listener); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// connect connects paho to a URL.
func connect(t *testing.T, url, username, password string) (paho.Client, error) {
	t.Helper()
	options := paho.NewClientOptions().AddBroker(url).SetAutoReconnect(false).SetProtocolVersion(4)
	client := paho.NewClient(options.SetUsername(username).SetPassword(password))
	token := client.Connect()
	token.Wait()
	if token.Error() == nil {
		t.Cleanup(func() { client.Disconnect(1000) })
	}
	return client, token.Error()
}

// collect subscribes to everything and returns the payloads as they come.
func collect(t *testing.T, client paho.Client) <-chan []byte {
	t.Helper()
	received := make(chan []byte, 100)
	token := client.Subscribe("#", 0, func(_ paho.Client, m paho.Message) { received <- m.Payload() })
	if token.Wait(); token.Error() != nil {
		t.Fatal(token.Error())
	}
	return received
}

func publish(t *testing.T, client paho.Client, payload []byte) {
	t.Helper()
	token := client.Publish("topic", 0, false, payload)
	if token.Wait(); token.Error() != nil {
		t.Fatal(token.Error())
	}
}

func TestCarriesMessages(t *testing.T) {
	b, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	plain, websocket := loopback(t), loopback(t)
	if err := errors.Join(b.Listen(plain), b.ListenWebSocket(websocket)); err != nil {
		t.Fatal(err)
	}
	sender, err := connect(t, "tcp://"+plain.Addr().String(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := connect(t, "ws://"+websocket.Addr().String()+"/mqtt", "", "")
	if err != nil {
		t.Fatal(err)
	}
	received := collect(t, receiver)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB, the largest that the default lets pass
	publish(t, sender, large)
	if got := <-received; !bytes.Equal(got, large) {
		t.Fatalf("received %d bytes that differ", len(got))
	}
}

func TestCredentials(t *testing.T) {
	address := start(t, Config{Username: "user", Password: "secret"})
	for _, test := range []struct {
		username, password string
		accepted           bool
	}{
		{"user", "secret", true},
		{"user", "Secret", false},
		{"User", "secret", false},
		{"user", "", false},
		{"", "", false},
	} {
		if _, err := connect(t, "tcp://"+address, test.username, test.password); (err == nil) != test.accepted {
			t.Errorf("%q, %q: %v", test.username, test.password, err)
		}
	}
}

func TestPublishSeesDropsAndAlters(t *testing.T) {
	client, err := connect(t, "tcp://"+start(t, Config{
		Publish: func(topic string, payload []byte) ([]byte, bool) {
			return []byte(strings.ToUpper(topic + string(payload))), string(payload) != "drop"
		},
	}), "", "")
	if err != nil {
		t.Fatal(err)
	}
	received := collect(t, client)
	publish(t, client, []byte("drop"))
	publish(t, client, []byte("pass"))
	if got := <-received; string(got) != "TOPICPASS" {
		t.Fatalf("received %q", got)
	}
}

func TestOversizePacketEndsTheConnection(t *testing.T) {
	conn, err := net.Dial("tcp", start(t, Config{MaxPacketSize: 1000}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte{0x10, 0xFF, 0x7F}) // a CONNECT of 16,383 bytes
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Read(make([]byte, 1)); !isReset(err) {
		t.Fatalf("read: %v", err)
	}
}

// isReset tells whether the broker hung up; what it left unread makes the kernel say so with a reset.
func isReset(err error) bool {
	return err == io.EOF || strings.Contains(err.Error(), "reset")
}

func TestCloseEndsListenersAndClients(t *testing.T) {
	b, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	listener := loopback(t)
	b.Listen(listener)
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b.Close()
	b.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection survives Close")
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener after Close: %v", err)
	}
	if err := b.Listen(loopback(t)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Listen after Close: %v", err)
	}
}
