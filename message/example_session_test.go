package message_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/message"
)

// A device answers its controller. Both would be programs of their own; the broker sees neither question nor answer.
func ExampleSession() {
	address, stop := exampleBroker() // such as mqtt://broker.example
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	key := mqtte2e.NewKey()

	device, err := message.Dial(ctx, address, &message.Config{
		Keys: []mqtte2e.Key{key}, Publish: "iot/esp32x", Subscribe: "controller",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()
	go func() {
		for {
			question, err := device.Receive(ctx)
			if err != nil {
				return
			}
			if string(question.Bytes) == "ping" {
				device.Send(ctx, []byte("pong"))
			}
		}
	}()

	controller, err := message.Dial(ctx, address, &message.Config{
		Keys: []mqtte2e.Key{key}, Publish: "controller", Subscribe: "iot/#",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer controller.Close()
	if err := controller.Send(ctx, []byte("ping")); err != nil {
		log.Fatal(err)
	}
	answer, err := controller.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s says %s\n", answer.Suffix(), answer.Bytes)
	// Output: iot/esp32x says pong
}

// The key a message was sealed under proves who sent it, where each device has a key of its own.
func ExampleSession_keyPerDevice() {
	address, stop := exampleBroker()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	kitchen, garage := mqtte2e.NewKey(), mqtte2e.NewKey()
	names := map[mqtte2e.Key]string{kitchen: "kitchen", garage: "garage"}

	controller, err := message.Dial(ctx, address, &message.Config{
		Keys: []mqtte2e.Key{kitchen, garage}, Publish: "controller", Subscribe: "iot/#",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer controller.Close()

	device, err := message.Dial(ctx, address, &message.Config{
		Keys: []mqtte2e.Key{garage}, Publish: "iot/sensor", Subscribe: "controller",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()
	if err := device.Send(ctx, []byte("door open")); err != nil {
		log.Fatal(err)
	}

	report, err := controller.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", names[report.Key], report.Bytes)
	// Output: garage: door open
}

// A controller that holds a fleet's key names the devices. Each device is given its own key, which opens nothing of another's.
func ExampleSession_fleet() {
	address, stop := exampleBroker()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fleet := mqtte2e.NewKey()
	garage, err := fleet.Device("garage") // what the device in the garage is given
	if err != nil {
		log.Fatal(err)
	}

	controller, err := message.Dial(ctx, address, &message.Config{
		Fleet: fleet, Devices: []string{"kitchen", "garage"}, Publish: "controller", Subscribe: "iot/#",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer controller.Close()

	device, err := message.Dial(ctx, address, &message.Config{
		Keys: []mqtte2e.Key{garage}, Publish: "iot/sensor", Subscribe: "controller",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()
	if err := device.Send(ctx, []byte("door open")); err != nil {
		log.Fatal(err)
	}

	report, err := controller.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", report.Device, report.Bytes)
	if err := controller.SendTo(ctx, report.Key, []byte("close it")); err != nil {
		log.Fatal(err)
	}
	order, err := device.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", order.Bytes)
	// Output:
	// garage: door open
	// close it
}

// A machine whose clock nobody keeps takes the time from a server, for its messages only.
func ExampleNTP() {
	clock := &message.NTP{Server: "pool.ntp.org"}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := clock.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer clock.Close()
	codec := &message.Codec{Key: mqtte2e.NewKey(), Now: clock.Now}
	packet, err := codec.Seal([]byte("21.5 °C"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(packet))
}

// exampleBroker starts a broker on a loopback port.
func exampleBroker() (address string, stop func()) {
	started, err := broker.New(broker.Config{})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if err := started.Listen(listener); err != nil {
		log.Fatal(err)
	}
	return "mqtt://" + listener.Addr().String(), func() { started.Close() }
}
