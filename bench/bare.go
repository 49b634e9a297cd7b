package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

// topics counts the topics and client identifiers of bare clients and paho, so that none is used twice.
var topics atomic.Int64

func newTopic() string { return fmt.Sprintf("bench/%d", topics.Add(1)) }

// barePair is a publisher and a subscriber without protocol above MQTT.
type barePair struct {
	publisher, subscriber *wireClient
	topic                 string // what the subscriber receives
}

func (b *broker) newBarePair(ctx context.Context, scheme string) (*barePair, error) {
	p := &barePair{topic: newTopic()}
	var err error
	if p.subscriber, err = b.newBareClient(ctx, scheme, p.topic); err != nil {
		return nil, err
	}
	if p.publisher, err = b.newBareClient(ctx, scheme, ""); err != nil {
		p.subscriber.close()
		return nil, err
	}
	return p, nil
}

// newBareClient connects a bare client and subscribes topic, if there is one.
func (b *broker) newBareClient(ctx context.Context, scheme, topic string) (*wireClient, error) {
	conn, err := b.dial(ctx, scheme)
	if err != nil {
		return nil, err
	}
	w, err := newWireClient(conn, fmt.Sprintf("bare-%d", topics.Add(1)))
	if err == nil && topic != "" {
		err = w.subscribe(topic)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("the bare client: %w", err)
	}
	return w, nil
}

func (p *barePair) close() {
	p.publisher.close()
	p.subscriber.close()
}

// bareTransfer sends length bytes in payloads of the given size and returns how long it took until the last was received.
func (b *broker) bareTransfer(ctx context.Context, scheme string, size int, length int64) (time.Duration, error) {
	p, err := b.newBarePair(ctx, scheme)
	if err != nil {
		return 0, err
	}
	defer p.close()
	want := content.Expected(length)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWindow()
	defer w.closeWith(ctx)()
	start := time.Now()
	go func() {
		if err := p.publish(w, size, length); err != nil {
			cancel(err)
			p.subscriber.conn.Close()
		}
	}()
	got, err := p.receive(w, length)
	elapsed := time.Since(start)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return 0, fmt.Errorf("the bare client: %w", err)
	}
	return elapsed, got.Verify(want)
}

// publish fills batches with as many messages as the window admits.
func (p *barePair) publish(w *window, size int, length int64) error {
	for sent := int64(0); sent < length; {
		n := w.take(max(wireBatch/size, 1))
		if n == 0 {
			return nil
		}
		for range n {
			payload := content.At(sent, int(min(int64(size), length-sent)))
			p.publisher.add(p.topic, payload)
			if sent += int64(len(payload)); sent == length {
				break
			}
		}
		if err := p.publisher.flush(); err != nil {
			return err
		}
	}
	return nil
}

// receive takes in a whole transfer. Of messages that came together it tells the publisher at once.
func (p *barePair) receive(w *window, length int64) (got content.Checksum, err error) {
	for arrived := 0; got.Length < length; {
		payload, err := p.subscriber.nextPayload()
		if err != nil {
			return got, err
		}
		got.Add(payload)
		if arrived++; arrived >= inFlight/4 || p.subscriber.in.Buffered() < len(payload) {
			w.give(arrived)
			arrived = 0
		}
	}
	return got, nil
}

// bareEcho measures round trips of n payloads, one after the other.
func (b *broker) bareEcho(ctx context.Context, payload []byte, n int) ([]time.Duration, error) {
	p, err := b.newBarePair(ctx, "mqtt")
	if err != nil {
		return nil, err
	}
	defer p.close()
	back := newTopic()
	if err := p.publisher.subscribe(back); err != nil {
		return nil, err
	}
	go func() {
		for {
			payload, err := p.subscriber.nextPayload()
			if err != nil {
				return
			}
			p.subscriber.add(back, payload)
			p.subscriber.flush()
		}
	}()
	return timeEach(n, func() error {
		p.publisher.add(p.topic, payload)
		if err := p.publisher.flush(); err != nil {
			return err
		}
		_, err := p.publisher.nextPayload()
		return err
	})
}

// timeEach calls f n times and returns how long each call took.
func timeEach(n int, f func() error) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
	}
	return times, nil
}
