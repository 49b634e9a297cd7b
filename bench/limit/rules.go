// Package limit stands between clients and a broker as a service does that limits each of its clients by rules: a proxy for
// MQTT 3.1.1 over TCP.
package limit

import (
	"strings"
	"time"
)

// What becomes of a message beyond a Rate.
const (
	Delayed      = "delayed" // and so all behind it
	Discarded    = "discarded"
	Disconnected = "disconnected" // its client
)

// A Rate is how much of something a client may do in a second; a second's worth may be done at once.
type Rate struct {
	Messages float64 // PUBLISH packets a second; 0: bytes are counted
	Bytes    float64 // of whole PUBLISH packets, a second
	Beyond   string  // Delayed, Discarded or Disconnected
}

// Rules are what a service lets each of its clients do. A field that is zero limits nothing.
type Rules struct {
	Sends    []Rate // what a client publishes
	Receives []Rate // what it is sent

	// Queue is how many packets wait for a client that is sent more than Line, bytes a second, lets through. QueueEnds says that the
	// client is disconnected when one more comes, which else is discarded.
	Queue     int
	QueueEnds bool
	Line      float64

	Payload       int // of the largest message, bytes; whoever sends a larger one is disconnected
	TopicLength   int // of the longest topic or filter, bytes; whoever sends a longer one is disconnected
	TopicLevels   int // of the deepest, as three in a/b/c; the same
	Subscriptions int // of a client; further ones are refused, with return code 128
	PerSubscribe  int // filters in a SUBSCRIBE; whoever sends more is disconnected

	MinKeepAlive, MaxKeepAlive time.Duration // whoever asks for another one is disconnected
	Patience                   float64       // how many keep-alives a client may be silent
	Session                    time.Duration // after which a client is disconnected, whatever it does
}

// allowsTopic reports whether a topic or filter is short and flat enough.
func (r *Rules) allowsTopic(topic string) bool {
	return (r.TopicLength == 0 || len(topic) <= r.TopicLength) && (r.TopicLevels == 0 || strings.Count(topic, "/") < r.TopicLevels)
}

// allowsKeepAlive reports whether a client may ask for that keep-alive.
func (r *Rules) allowsKeepAlive(asked time.Duration) bool {
	return asked >= r.MinKeepAlive && (r.MaxKeepAlive == 0 || asked <= r.MaxKeepAlive && asked > 0)
}

// bucket counts what is left of a Rate.
type bucket struct {
	Rate
	level float64
	last  time.Time
}

func buckets(rates []Rate) []*bucket {
	list := make([]*bucket, len(rates))
	for i, rate := range rates {
		list[i] = &bucket{Rate: rate}
	}
	return list
}

// perSecond returns what the bucket gets in a second, and cost what a packet takes from it.
func (b *bucket) perSecond() float64 { return max(b.Messages, b.Bytes) }

func (b *bucket) cost(length int) float64 {
	if b.Messages > 0 {
		return 1
	}
	return float64(length)
}

// take takes n and returns how long it takes until there is so much; more than 0: nothing is taken.
func (b *bucket) take(now time.Time, n float64) time.Duration {
	rate := b.perSecond()
	if b.last.IsZero() {
		b.level = rate
	} else {
		b.level = min(rate, b.level+rate*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.level >= n {
		b.level -= n
		return 0
	}
	return time.Duration((n-b.level)/rate*float64(time.Second)) + time.Microsecond // rounded up
}
