package link

import (
	"bytes"
	"strings"
	"time"
)

// topicTail is the length, in bytes, of what is random in a topic of a stream and no broker changes: 16 bytes in base64, at its end.
const topicTail = 22

// Handler handles the payload of a PUBLISH packet. It is called on the reader goroutine, so it must not block, write to the
// network or call Close. topic and payload lie in the read buffer: it may modify payload, and must keep neither. now is when
// the packet was read.
type Handler func(topic, payload []byte, now time.Time)

// routes finds the handler of a topic. It is immutable, so that the reader needs no lock.
type routes struct {
	exact     map[string]Handler
	tails     map[string]bool // the last topicTail bytes of each exact topic
	wildcards []wildcardRoute
}

// wildcardRoute is a subscription to a filter with + or #.
type wildcardRoute struct {
	filter  string
	handler Handler
}

func newRoutes(subscriptions map[string]*subscription) *routes {
	r := &routes{exact: make(map[string]Handler), tails: make(map[string]bool)}
	for filter, s := range subscriptions {
		if strings.ContainsAny(filter, "+#") {
			r.wildcards = append(r.wildcards, wildcardRoute{filter, s.handler})
		} else {
			r.exact[filter] = s.handler
			if len(filter) >= topicTail {
				r.tails[filter[len(filter)-topicTail:]] = true
			}
		}
	}
	return r
}

// find returns the handler for topic, nil if there is none. It does not allocate.
func (r *routes) find(topic []byte) Handler {
	if handler := r.exact[string(topic)]; handler != nil {
		return handler
	}
	for i := range r.wildcards {
		if matches(r.wildcards[i].filter, topic) {
			return r.wildcards[i].handler
		}
	}
	return nil
}

// renamed tells whether topic, which has no handler, ends like one that has: the broker has rewritten what comes before, as RabbitMQ
// turns dots into slashes. It does not allocate.
func (r *routes) renamed(topic []byte) bool {
	return len(topic) >= topicTail && r.tails[string(topic[len(topic)-topicTail:])]
}

// matches tells whether filter covers topic (MQTT 3.1.1, section 4.7). A topic that is none, since it has wildcards or NUL
// itself, is covered by no filter.
func matches(filter string, topic []byte) bool {
	if len(topic) == 0 || bytes.ContainsAny(topic, "+#\x00") {
		return false
	}
	if topic[0] == '$' && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	for {
		level, rest, more := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name, after, deeper := bytes.Cut(topic, []byte("/"))
		switch {
		case level != "+" && level != string(name):
			return false
		case !deeper:
			return !more || rest == "#" // "a/#" covers "a" too
		case !more:
			return false
		}
		filter, topic = rest, after
	}
}

// validFilter tells whether filter is a topic filter that the link takes: + and # as whole levels, # as the last one.
func validFilter(filter string) bool {
	if filter == "" || len(filter) > MaxTopic || strings.Contains(filter, "\x00") {
		return false
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "#" && i == len(levels)-1, level == "+":
		case strings.ContainsAny(level, "+#"):
			return false
		}
	}
	return true
}
