package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

// newPaho connects paho with its default options, but that it does not reconnect, and subscribes topic with QoS 0.
func (b *broker) newPaho(topic string, handler mqtt.MessageHandler) (mqtt.Client, error) {
	options := mqtt.NewClientOptions().AddBroker(b.address("mqtt")).SetClientID(fmt.Sprintf("paho-%d", topics.Add(1))).SetAutoReconnect(false)
	client := mqtt.NewClient(options)
	if err := await(client.Connect()); err != nil {
		return nil, err
	}
	if topic == "" {
		return client, nil
	}
	return client, await(client.Subscribe(topic, 0, handler))
}

func await(token mqtt.Token) error {
	if !token.WaitTimeout(wireTimeout) {
		return errors.New("paho: the broker does not answer")
	}
	return token.Error()
}

// pahoTransfer is bareTransfer with paho.
func (b *broker) pahoTransfer(ctx context.Context, size int, length int64) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	w := newWindow()
	defer w.closeWith(ctx)()
	topic, want := newTopic(), content.Expected(length)
	var got content.Checksum // the handler's until done is closed
	done := make(chan struct{})
	subscriber, err := b.newPaho(topic, func(_ mqtt.Client, m mqtt.Message) {
		got.Add(m.Payload())
		w.give(1)
		if got.Length == length {
			close(done)
		}
	})
	if err != nil {
		return 0, err
	}
	defer subscriber.Disconnect(0)
	publisher, err := b.newPaho("", nil)
	if err != nil {
		return 0, err
	}
	defer publisher.Disconnect(0)
	start := time.Now()
	for sent := int64(0); sent < length && w.take(1) == 1; {
		n := min(int64(size), length-sent)
		publisher.Publish(topic, 0, false, content.At(sent, int(n)))
		sent += n
	}
	select {
	case <-done:
	case <-ctx.Done():
		return 0, fmt.Errorf("paho: the transfer did not end: %w", ctx.Err())
	}
	return time.Since(start), got.Verify(want)
}

// pahoEcho is bareEcho with paho.
func (b *broker) pahoEcho(payload []byte, n int) ([]time.Duration, error) {
	there, back := newTopic(), newTopic()
	arrived := make(chan struct{}, 1)
	near, err := b.newPaho(back, func(mqtt.Client, mqtt.Message) { arrived <- struct{}{} })
	if err != nil {
		return nil, err
	}
	defer near.Disconnect(0)
	far, err := b.newPaho(there, func(c mqtt.Client, m mqtt.Message) { c.Publish(back, 0, false, m.Payload()) })
	if err != nil {
		return nil, err
	}
	defer far.Disconnect(0)
	return timeEach(n, func() error {
		near.Publish(there, 0, false, payload)
		select {
		case <-arrived:
			return nil
		case <-time.After(wireTimeout):
			return errors.New("paho: a message got lost")
		}
	})
}
