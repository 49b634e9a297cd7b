package main

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/limit"
	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

const (
	// limitedPort is where the limiting proxy listens, beside the broker.
	limitedPort = "1884"

	// limitedMessage is Config.MaxMessageSize where messages are counted, in bytes: the default, so that an allowance of messages is one
	// of bytes too.
	limitedMessage = 32 << 10

	// limitedLonger is how much longer these rows are measured than others: disconnects are counted by the minute.
	limitedLonger = 4

	// limitedPause is between the round trips of an echo. Each takes messages of the allowance, too: one of 20 in the smallest.
	limitedPause = 4 * time.Second
)

// limitedRows have a broker that limits each client by rule.
func limitedRows() (rows []*wanRow) {
	for _, l := range []limit.Rate{{Messages: 100, Beyond: limit.Delayed}, {Messages: 100, Beyond: limit.Discarded}, {Messages: 10, Beyond: limit.Discarded}, {Messages: 100, Beyond: limit.Disconnected},
		{Bytes: 512 << 10, Beyond: limit.Delayed}, {Bytes: 512 << 10, Beyond: limit.Discarded}, {Bytes: 512 << 10, Beyond: limit.Disconnected}} {
		rows = append(rows, limitedRow(l))
	}
	return rows
}

func limitedRow(l limit.Rate) *wanRow {
	name := fmt.Sprintf("%g messages/s, beyond %s", l.Messages, l.Beyond)
	if l.Messages == 0 {
		name = fmt.Sprintf("%g KiB/s, beyond %s", l.Bytes/(1<<10), l.Beyond)
	}
	links := link(50, 25*time.Millisecond)
	row := &wanRow{name: name, a: links, b: links, load: allowance(l) * 8 / 1e6,
		run: func(t *bed, m *wanRound) error { return limited(t, m, name, l) },
		promises: []promise{
			{what: name + ": share of the allowance", key: name + connKey, against: name + allowanceKey, bound: 0.8},
			{what: name + ": echo beside it", key: name + connEchoKey, bound: 1000, atMost: true},
		}}
	if l.Beyond == limit.Disconnected {
		row.promises = append(row.promises, promise{what: name + ": disconnects", key: name + disconnectsKey, bound: 1, atMost: true})
	}
	return row
}

// allowance is what a client may publish, in bytes a second.
func allowance(l limit.Rate) float64 { return max(l.Bytes, l.Messages*limitedMessage) }

// Keys of these rows, behind their names.
const (
	allowanceKey   = ", allowance"
	disconnectsKey = ", disconnects"
	perMinute      = "1/min"
)

func limited(t *bed, m *wanRound, name string, l limit.Rate) error {
	proxy, err := t.actReady(t.Broker, wanSpec{Role: "limit", Address: ":" + limitedPort, Limit: &limit.Rules{Sends: []limit.Rate{l}}})
	if err != nil {
		return err
	}
	p := throughBroker("conn")
	p.far.Address = "mqtt://" + wan.BrokerFromB + ":" + limitedPort
	p.near.Address = "mqtt://" + wan.BrokerFromA + ":" + limitedPort
	p.far.MessageSize, p.near.MessageSize, p.near.Pause = limitedMessage, limitedMessage, limitedPause
	length := limitedLonger * m.length
	o, err := t.measure(p, 1, true, length)
	if err != nil {
		return err
	}
	proxy.stop()
	var r limit.Report
	if err := proxy.report(&r); err != nil {
		return err
	}
	m.add(name+allowanceKey, megabytes, allowance(l)/1e6)
	m.add(name+connKey, megabytes, o.goodput(0))
	m.add(name+connEchoKey, millis, o.echo())
	m.add(name+disconnectsKey, perMinute, float64(r.Disconnects)/length.Minutes())
	return nil
}

// limiting is the role of a proxy that limits its clients: it listens on s.Address, for the broker beside it.
func (s *wanSpec) limiting(end io.Reader) (any, error) {
	l, err := net.Listen("tcp", s.Address)
	if err != nil {
		return nil, err
	}
	p := &limit.Proxy{Rules: *s.Limit, Broker: "127.0.0.1:1883"}
	go p.Serve(l)
	ready()
	io.Copy(io.Discard, end)
	return p.Report(), nil
}
