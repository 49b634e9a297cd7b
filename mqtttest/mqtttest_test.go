package mqtttest

import (
	"net"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func TestBroker(t *testing.T) {
	var hostPort string
	t.Run("inner", func(t *testing.T) {
		address := Broker(t)
		var found bool
		if hostPort, found = strings.CutPrefix(address, "mqtt://127.0.0.1:"); !found {
			t.Fatalf("the address is %q", address)
		}
		hostPort = "127.0.0.1:" + hostPort
		exchange(t, hostPort)
	})
	if conn, err := net.DialTimeout("tcp", hostPort, time.Minute); err == nil {
		conn.Close()
		t.Error("the broker survives its test")
	}
}

func TestStart(t *testing.T) {
	seen := make(chan string, 1)
	address, stop, err := Start(func(topic string, payload []byte) { seen <- topic + " " + string(payload) })
	if err != nil {
		t.Fatal(err)
	}
	hostPort := strings.TrimPrefix(address, "mqtt://")
	exchange(t, hostPort)
	if got := <-seen; got != "topic hello" {
		t.Errorf("it saw %q", got)
	}
	stop()
	if conn, err := net.DialTimeout("tcp", hostPort, time.Minute); err == nil {
		conn.Close()
		t.Error("the broker goes on after stop")
	}
}

// exchange sends a message through the broker.
func exchange(t *testing.T, hostPort string) {
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + hostPort).SetProtocolVersion(4))
	defer client.Disconnect(1000)
	received := make(chan string, 1)
	for _, step := range []func() paho.Token{
		client.Connect,
		func() paho.Token {
			return client.Subscribe("topic", 0, func(_ paho.Client, m paho.Message) { received <- string(m.Payload()) })
		},
		func() paho.Token { return client.Publish("topic", 0, false, "hello") },
	} {
		token := step()
		if token.Wait(); token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	if got := <-received; got != "hello" {
		t.Errorf("received %q", got)
	}
}
