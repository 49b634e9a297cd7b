package message_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/message"
)

// Both ends share the key. What opens once does not open again.
func ExampleCodec() {
	key := mqtte2e.NewKey()
	device, controller := &message.Codec{Key: key}, &message.Codec{Key: key}

	packet, err := device.Seal([]byte("pong"))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := controller.Open(packet)
	fmt.Printf("%s %v\n", text, err)

	_, err = controller.Open(packet)
	fmt.Println("again:", errors.Is(err, message.ErrReplay))
	// Output:
	// pong <nil>
	// again: true
}

// A clock that is off shows by how much.
func ExampleTimeError() {
	key := mqtte2e.NewKey()
	device := &message.Codec{Key: key, Now: func() time.Time { return time.Now().Add(-time.Hour) }}
	controller := &message.Codec{Key: key}

	packet, err := device.Seal([]byte("pong"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = controller.Open(packet)
	var off *message.TimeError
	if errors.As(err, &off) {
		fmt.Println("the device's clock is off by", off.Offset.Round(time.Minute))
	}
	// Output: the device's clock is off by -1h0m0s
}

// The key alone gives the topics: no name is agreed on, and none can be guessed.
func ExampleTopic() {
	key, err := mqtte2e.ParseKey("762e4c1dc0a7d8b60e61bc68dc858bee")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(message.Topic(key, "iot/esp32x"))
	// Output: FGeeQanXEwx3/iot/esp32x
}
