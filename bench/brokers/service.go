package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/limit"
)

const (
	// packetSize is Config.MaxMessageSize at its default, bytes: what a message carries where messages are counted.
	packetSize = 32 << 10

	// line is what a client receives from services without a limit of rates, bytes a second: 34 Mbit/s. A sender that is faster fills
	// their queues.
	line = 4 << 20
)

// distance is between a client and a service, one way.
const distance = 12500 * time.Microsecond

// service is one that cannot run here, and what it publishes of its limits.
type service struct {
	name   string
	rules  limit.Rules
	source string // of the rules
}

// services have the limits of a client, by default or of the smallest plan. None is known to answer a keep-alive of 30 s with
// another one.
var services = []service{
	{"AWS IoT Core", limit.Rules{
		Sends:    []limit.Rate{{Messages: 100, Beyond: limit.Discarded}, {Bytes: 512 << 10, Beyond: limit.Delayed}},
		Receives: []limit.Rate{{Messages: 100, Beyond: limit.Discarded}, {Bytes: 512 << 10, Beyond: limit.Delayed}},
		Payload:  128 << 10, TopicLength: 256, TopicLevels: 8, Subscriptions: 50, PerSubscribe: 8, MaxKeepAlive: 1200 * time.Second, Patience: 1.5,
	}, "https://docs.aws.amazon.com/general/latest/gr/iot-core.html"},
	{"Azure Event Grid", limit.Rules{
		Sends:    []limit.Rate{{Messages: 1000, Beyond: limit.Disconnected}, {Bytes: 1e6, Beyond: limit.Disconnected}},
		Receives: []limit.Rate{{Messages: 1000, Beyond: limit.Discarded}, {Bytes: 1e6, Beyond: limit.Delayed}},
		Payload:  512 << 10, TopicLength: 256, TopicLevels: 8, Subscriptions: 50, PerSubscribe: 10, MaxKeepAlive: 1160 * time.Second, Patience: 1.5,
	}, "https://learn.microsoft.com/azure/event-grid/quotas-limits"},
	{"EMQX Serverless", limit.Rules{
		Sends: []limit.Rate{{Messages: 10, Beyond: limit.Delayed}}, Queue: 1000,
		Payload: 1 << 20, TopicLevels: 10, Subscriptions: 10, Patience: 1.5,
	}, "https://docs.emqx.com/en/cloud/latest/create/restriction.html"},
	{"EMQX Serverless, if it discarded", limit.Rules{
		Sends: []limit.Rate{{Messages: 10, Beyond: limit.Discarded}}, Queue: 1000,
		Payload: 1 << 20, TopicLevels: 10, Subscriptions: 10, Patience: 1.5,
	}, "the same"},
	{"HiveMQ Cloud, HiveMQ", limit.Rules{
		Line: line, Queue: 1000, TopicLength: 65535, Patience: 1.5,
	}, "https://docs.hivemq.com/hivemq/latest/user-guide/configuration.html"},
	{"EMQX", limit.Rules{
		Line: line, Queue: 1000, QueueEnds: true, Payload: 1 << 20, TopicLevels: 128, Patience: 1.5,
	}, "https://docs.emqx.com/en/emqx/latest/configuration/mqtt.html"},
	{"VerneMQ", limit.Rules{
		Line: line, Queue: 1000, Patience: 1.5,
	}, "https://docs.vernemq.com/configuring-vernemq/options"},
	{"NanoMQ", limit.Rules{
		Line: line, Queue: 2048, Payload: 256 << 20, Patience: 1.25,
	}, "https://github.com/nanomq/nanomq/blob/master/etc/nanomq.conf"},
	{"a service whose sessions end", limit.Rules{Line: line, Session: 30 * time.Second}, "a token that expires, in small"},
}

// allowed returns how many bytes a second the rules let through.
func (s service) allowed() float64 {
	least := s.rules.Line
	for _, rates := range [][]limit.Rate{s.rules.Sends, s.rules.Receives} {
		for _, rate := range rates {
			if bytes := max(rate.Bytes, rate.Messages*packetSize); least == 0 || bytes < least {
				least = bytes
			}
		}
	}
	return least
}

// describe says what a client may.
func (s service) describe() string {
	var parts []string
	for _, rate := range s.rules.Sends {
		amount := fmt.Sprintf("%g messages/s", rate.Messages)
		if rate.Messages == 0 {
			amount = fmt.Sprintf("%.0f KB/s", rate.Bytes/1e3)
		}
		parts = append(parts, amount+", more is "+rate.Beyond)
	}
	r := s.rules
	for _, part := range []struct {
		set  bool
		text string
	}{
		{r.Line > 0, fmt.Sprintf("a line of %.0f KB/s", r.Line/1e3)},
		{r.Queue > 0 && !r.QueueEnds, fmt.Sprintf("%d messages wait, more are discarded", r.Queue)},
		{r.Queue > 0 && r.QueueEnds, fmt.Sprintf("%d messages wait, with more it is disconnected", r.Queue)},
		{r.Payload > 0, fmt.Sprintf("payloads of %d KiB", r.Payload>>10)},
		{r.TopicLength > 0, fmt.Sprintf("topics of %d bytes", r.TopicLength)},
		{r.TopicLevels > 0, fmt.Sprintf("of %d levels", r.TopicLevels)},
		{r.Subscriptions > 0, fmt.Sprintf("%d subscriptions", r.Subscriptions)},
		{r.MaxKeepAlive > 0, fmt.Sprintf("keep-alive of %.0f s", r.MaxKeepAlive.Seconds())},
		{r.Session > 0, fmt.Sprintf("disconnected every %.0f s", r.Session.Seconds())},
	} {
		if part.set {
			parts = append(parts, part.text)
		}
	}
	return strings.Join(parts, "; ")
}
