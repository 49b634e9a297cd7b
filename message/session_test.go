package message

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// dialer dials Sessions to one embedded broker, in virtual time.
type dialer struct {
	*testing.T
	broker *simtest.EmbeddedBroker
}

// run runs f in virtual time, with a broker.
func run(t *testing.T, f func(d dialer)) {
	t.Helper()
	simtest.Run(t, func(t *testing.T) { f(dialer{t, simtest.Broker(t)}) })
}

func (d dialer) dial(config Config) *Session {
	d.Helper()
	config.DialContext = d.broker.DialContext
	s, err := Dial(d.Context(), simtest.Address, &config)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { s.Close() })
	return s
}

// device publishes on iot/NAME and listens to its controller.
func (d dialer) device(name string, key mqtte2e.Key) *Session {
	return d.dial(Config{Keys: []mqtte2e.Key{key}, Publish: "iot/" + name, Subscribe: "controller"})
}

func (d dialer) controller(keys ...mqtte2e.Key) *Session {
	return d.dial(Config{Keys: keys, Publish: "controller", Subscribe: "iot/#"})
}

func (d dialer) send(s *Session, text string) {
	d.Helper()
	if err := s.Send(d.Context(), []byte(text)); err != nil {
		d.Errorf("sending %q: %v", text, err)
	}
}

func (d dialer) want(s *Session, text string) Message {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), time.Minute)
	defer cancel()
	m, err := s.Receive(ctx)
	if err != nil || string(m.Bytes) != text {
		d.Fatalf("received %q, %v, want %q", m.Bytes, err, text)
	}
	return m
}

func (d dialer) wantNothing(s *Session) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), time.Second)
	defer cancel()
	if m, err := s.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		d.Errorf("received %q, %v, want nothing", m.Bytes, err)
	}
}

func (d dialer) wantStats(s *Session, want Stats) {
	d.Helper()
	simtest.Wait()
	if got := s.Stats(); got != want {
		d.Errorf("Stats are\n%+v, want\n%+v", got, want)
	}
}

func TestSession(t *testing.T) {
	run(t, func(d dialer) {
		device, controller := d.device("esp32x", testKey), d.controller(testKey)
		d.send(controller, "ping")
		if m := d.want(device, "ping"); m.Suffix() != "controller" || m.Topic != Topic(testKey, "controller") {
			d.Errorf("topic %q, suffix %q", m.Topic, m.Suffix())
		}
		d.send(device, "pong")
		if m := d.want(controller, "pong"); m.Suffix() != "iot/esp32x" || m.Key != testKey || !m.Time.Equal(time.Now()) {
			d.Errorf("suffix %q, key %v, time %v, want now, %v", m.Suffix(), m.Key, m.Time, time.Now())
		}
		d.wantStats(device, Stats{Sent: 1, Received: 1})
		d.wantStats(controller, Stats{Sent: 1, Received: 1})
	})
}

// TestSizes sends messages of every kind of size at once; they arrive in order.
func TestSizes(t *testing.T) {
	run(t, func(d dialer) {
		device, controller := d.device("esp32x", testKey), d.controller(testKey)
		for _, size := range []int{0, 1, 50, 51, 1000, MaxMessageSize} {
			text := strings.Repeat("m", size)
			d.send(controller, text)
			d.want(device, text)
		}
		if err := device.Send(d.Context(), make([]byte, MaxMessageSize+1)); err == nil {
			d.Error("65,536 bytes were sent")
		}
	})
}

// TestKeyPerDevice: a controller with a key for each device knows who spoke and reaches one or all.
func TestKeyPerDevice(t *testing.T) {
	run(t, func(d dialer) {
		keys := []mqtte2e.Key{{1}, {2}, {3}}
		controller := d.controller(keys...)
		var devices []*Session
		for _, key := range keys {
			devices = append(devices, d.device("same-name", key))
		}
		d.send(controller, "to all")
		for i, device := range devices {
			d.want(device, "to all")
			d.send(device, fmt.Sprint("from ", i))
			if m := d.want(controller, fmt.Sprint("from ", i)); m.Key != keys[i] {
				d.Errorf("device %d spoke under %v, want %v", i, m.Key, keys[i])
			}
		}
		if err := controller.SendTo(d.Context(), keys[1], []byte("to one")); err != nil {
			d.Error(err)
		}
		d.want(devices[1], "to one")
		d.wantNothing(devices[0])
		d.wantNothing(devices[2])
		if err := controller.SendTo(d.Context(), mqtte2e.Key{4}, nil); err == nil {
			d.Error("sent under a key that the Session does not have")
		}
		d.wantStats(controller, Stats{Sent: 4, Received: 3})
	})
}

// TestBogusPackets: each is refused for its own reason, and counted.
func TestBogusPackets(t *testing.T) {
	for _, pad := range []int{-1, 0, MaxMessageSize} {
		run(t, func(d dialer) {
			device := d.device("esp32x", testKey)
			controller := d.dial(Config{Keys: []mqtte2e.Key{testKey}, Publish: "controller", PadSize: pad})
			if err := controller.SendBogus(d.Context(), []byte("ping")); err != nil {
				d.Fatal(err)
			}
			d.want(device, "ping")
			d.wantNothing(device)
			d.wantStats(device, Stats{Received: 1, Forged: 1, Malformed: 2, WrongVersion: 1, WrongTime: 2, Replayed: 1})
			d.wantStats(controller, Stats{Sent: 8})
			d.send(controller, "ping")
			d.want(device, "ping")
		})
	}
}

// publish sends payloads to a topic, as any client of the broker can.
func (d dialer) publish(topic string, payloads ...[]byte) {
	d.Helper()
	conn, err := d.broker.DialContext(d.Context(), "tcp", "broker.test:1883")
	if err != nil {
		d.Fatal(err)
	}
	defer conn.Close()
	connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	connect.ProtocolName, connect.ProtocolVersion, connect.CleanSession, connect.ClientIdentifier = "MQTT", 4, true, "anybody"
	connect.Write(conn)
	if _, err := packets.ReadPacket(conn); err != nil {
		d.Fatal(err)
	}
	for _, payload := range payloads {
		publish := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		publish.TopicName, publish.Payload = topic, payload
		if err := publish.Write(conn); err != nil {
			d.Fatal(err)
		}
	}
	simtest.Wait()
}

// TestForgedPackets publishes on a device's topic what somebody without the key can.
func TestForgedPackets(t *testing.T) {
	run(t, func(d dialer) {
		device := d.device("x", testKey)
		for _, size := range []int{0, 1, Overhead - 1, Overhead, MaxPacketSize, MaxPacketSize + 1, 2 * MaxPacketSize} {
			d.publish(Topic(testKey, "controller"), make([]byte, size))
		}
		d.wantStats(device, Stats{Forged: 2, Malformed: 3, Oversize: 2})
	})
}

// TestManySenders: messages of many goroutines all arrive once, those of each in order.
func TestManySenders(t *testing.T) {
	run(t, func(d dialer) {
		const senders, each = 16, maxReceived / 16
		device, controller := d.device("x", testKey), d.controller(testKey)
		for i := range senders {
			go func() {
				for j := range each {
					d.send(controller, fmt.Sprint(i, j))
				}
			}()
		}
		var next [senders]int
		for range senders * each {
			m, err := device.Receive(d.Context())
			var i, j int
			if _, scanErr := fmt.Sscan(string(m.Bytes), &i, &j); err != nil || scanErr != nil || next[i] != j {
				d.Fatalf("received %q, %v", m.Bytes, err)
			}
			next[i]++
		}
		d.wantStats(device, Stats{Received: senders * each})
	})
}

// TestOwnPackets: a Session that listens to what it sends refuses it.
func TestOwnPackets(t *testing.T) {
	run(t, func(d dialer) {
		s := d.dial(Config{Keys: []mqtte2e.Key{testKey}, Publish: "iot/x", Subscribe: "#"})
		d.send(s, "ping")
		d.wantNothing(s)
		d.wantStats(s, Stats{Sent: 1, Replayed: 1})
	})
}

// TestClockOff: the error of Receive says by how much, until something is accepted.
func TestClockOff(t *testing.T) {
	run(t, func(d dialer) {
		ahead := func() time.Time { return time.Now().Add(time.Hour) }
		device := d.dial(Config{Keys: []mqtte2e.Key{testKey}, Publish: "iot/x", Subscribe: "controller", Now: ahead})
		controller := d.controller(testKey)
		receive := func(s *Session) error {
			ctx, cancel := context.WithTimeout(d.Context(), time.Second)
			defer cancel()
			_, err := s.Receive(ctx)
			return err
		}
		d.send(controller, "ping")
		var off *TimeError
		if err := receive(device); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &off) || off.Offset != -time.Hour {
			d.Errorf("device: %v", err)
		}
		d.send(device, "pong")
		if err := receive(controller); !errors.Is(err, ErrTime) || !errors.As(err, &off) || off.Offset != time.Hour {
			d.Errorf("controller: %v", err)
		}
		d.send(d.device("other", testKey), "hello")
		d.want(controller, "hello")
		if err := receive(controller); errors.Is(err, ErrTime) {
			d.Errorf("after a good message: %v", err)
		}
	})
}

// TestOverflow: what comes while 128 messages wait is lost and counted, and the ones that wait are kept.
func TestOverflow(t *testing.T) {
	run(t, func(d dialer) {
		device, controller := d.device("x", testKey), d.controller(testKey)
		for i := range maxReceived + 5 {
			d.send(controller, fmt.Sprint(i))
		}
		d.wantStats(device, Stats{Received: maxReceived, Overflow: 5})
		for i := range maxReceived {
			d.want(device, fmt.Sprint(i))
		}
		d.wantNothing(device)
	})
}

func TestDialFails(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		b := simtest.Broker(t, broker.Config{Username: "u", Password: "p4ss"})
		config := &Config{Keys: []mqtte2e.Key{testKey}, Publish: "x", DialContext: b.DialContext}
		for address, sentinel := range map[string]error{
			"mqtt://u:wr0ng@broker.test":  mqtte2e.ErrBroker,
			"mqtt://broker.test":          mqtte2e.ErrBroker,
			"mqtt://u:p4ss@broker.test#x": nil,
			"broker.test":                 nil,
		} {
			s, err := Dial(t.Context(), address, config)
			if s != nil || err == nil || sentinel != nil && !errors.Is(err, sentinel) {
				t.Errorf("%s: %v", address, err)
			} else if strings.Contains(err.Error(), "wr0ng") || strings.Contains(err.Error(), "p4ss") {
				t.Errorf("the error quotes a password: %v", err)
			}
		}
		config.Username, config.Password = "u", "p4ss"
		s, err := Dial(t.Context(), "mqtt://other:wr0ng@broker.test#", config)
		if err != nil {
			t.Fatalf("with user and password of the Config: %v", err)
		}
		s.Close()
		b.Stop()
		if _, err := Dial(t.Context(), simtest.Address, config); !errors.Is(err, mqtte2e.ErrBroker) {
			t.Errorf("without a broker: %v", err)
		}
	})
}
