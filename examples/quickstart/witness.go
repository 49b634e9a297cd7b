package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// witness remembers what the broker saw: every topic, and the beginning of the
// first messages.
type witness struct {
	mu       sync.Mutex
	topics   []string
	samples  []string
	messages int
}

// maxSamples of the messages are kept.
const maxSamples = 3

// saw is called by the embedded broker.
func (w *witness) saw(topic string, payload []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages++
	if !slices.Contains(w.topics, topic) {
		w.topics = append(w.topics, topic)
	}
	if len(w.samples) < maxSamples {
		w.samples = append(w.samples, fmt.Sprintf("%x… (%d bytes)", payload[:min(24, len(payload))], len(payload)))
	}
}

func (w *witness) print(out io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(out, "the broker saw    %d messages on %d topics:\n", w.messages, len(w.topics))
	for _, topic := range w.topics {
		fmt.Fprintf(out, "                  topic   %s\n", topic)
	}
	for _, sample := range w.samples {
		fmt.Fprintf(out, "                  payload %s\n", sample)
	}
}
