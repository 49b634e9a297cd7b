package main

import "fmt"

// figure is a value that the project promises, and what was measured of it.
type figure struct {
	what     string
	measured string // the ratio or quantity
	absolute string // what the ratio was made of
	promise  string // empty: nothing
	kept     bool
}

func (f figure) verdict() string {
	if f.promise == "" {
		return ""
	}
	return verdict(f.kept)
}

func verdict(kept bool) string {
	if kept {
		return "kept"
	}
	return "MISSED"
}

// promise is a figure before it is measured: the value of key, or its ratio to against.
type promise struct {
	what         string
	key, against string  // against is empty for an absolute figure
	bound        float64 // 0: nothing is promised
	upTo         float64 // an upper bound beside a lower one; 0: none
	atMost       bool    // the bound is an upper one
}

var promises = []promise{
	{what: "Conn, default settings, against the bare client", key: "Conn 32 KiB", against: "bare 32 KiB", bound: 0.80},
	{what: "Conn, default settings, against plain paho", key: "Conn 32 KiB", against: "paho 32 KiB", bound: 1.8},
	{what: "mux stream against Conn", key: "mux 32 KiB", against: "Conn 32 KiB", bound: 0.80},
	{what: "eight Conns over one link, sum, against one Conn", key: "eight Conns, sum", against: "one Conn", bound: 0.9},
	{what: "slowest of eight Conns against the fastest", key: "eight Conns, slowest against fastest", bound: 0.5},
	{what: "64-byte round trip, median, against plain paho", key: "round trip, Conn, median", against: "round trip, paho, median", bound: 1.25, atMost: true},
	{what: "the same beside a saturating Conn, 99th percentile", key: "round trip, Conn beside a transfer, 99th percentile", bound: 20_000, atMost: true},
	{what: "64-byte writes back to back", key: "Conn 64-byte writes", bound: 100},
	{what: "MaxMessageSize 1,024 against the bare client", key: "Conn 1 KiB", against: "bare 1 KiB", bound: 0.6},
	{what: "over WebSocket to Mosquitto, against the bare client with messages of 4,000 bytes", key: "Conn " + mosquittoWS, against: "bare " + mosquittoWS, bound: 0.6},
	{what: "over TLS to the broker, against the bare client over TLS", key: "Conn mqtts", against: "bare mqtts", bound: 0.8},
}

// figures compares the results with the promises; what was not measured is left out.
func (r *results) figures() []figure {
	var list []figure
	for _, p := range promises {
		if f, ok := p.judge(r); ok {
			list = append(list, f)
		}
	}
	return list
}

func (p promise) judge(r *results) (figure, bool) {
	s := r.get(p.key)
	if s == nil {
		return figure{}, false
	}
	value, ok := s.median(), true
	f := figure{what: p.what, measured: quantity(value, s.unit), promise: p.bounds(quantity(p.bound, s.unit))}
	if p.against != "" {
		if value, ok = r.ratio(p.key, p.against); !ok {
			return figure{}, false
		}
		other := r.get(p.against)
		f.measured, f.promise = fmt.Sprintf("%.2f", value), p.bounds(fmt.Sprintf("%.2f", p.bound))
		f.absolute = quantity(s.median(), s.unit) + " against " + quantity(other.median(), other.unit)
	}
	f.kept = p.keeps(value)
	if p.bound == 0 {
		f.promise = ""
	}
	return f, true
}

func (p promise) keeps(value float64) bool {
	if p.atMost {
		return value <= p.bound
	}
	return value >= p.bound && (p.upTo == 0 || value <= p.upTo)
}

func (p promise) bounds(text string) string {
	if p.upTo != 0 {
		return fmt.Sprintf("%s to %.2f", text, p.upTo)
	}
	if p.atMost {
		return "at most " + text
	}
	return "at least " + text
}

// quantity formats a value with three digits or all before the point.
func quantity(value float64, unit string) string {
	format := "%.0f"
	switch {
	case value < 10:
		format = "%.2f"
	case value < 100:
		format = "%.1f"
	}
	text := fmt.Sprintf(format, value)
	if unit == "" {
		return text
	}
	return text + " " + unit
}
