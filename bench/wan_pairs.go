package main

import "github.com/mqtt-e2e/mqtte2e/bench/wan"

// tcpPort is where the far end listens for TCP.
const tcpPort = "7000"

// straight is a TCP connection over both links, past the broker: the yardstick.
func straight() pair {
	return pair{far: wanSpec{Way: "tcp", Address: ":" + tcpPort}, near: wanSpec{Way: "tcp", Address: wan.B + ":" + tcpPort}}
}

// throughBroker is one of the ways that end at the broker.
func throughBroker(way string) pair {
	return pair{
		far:  wanSpec{Way: way, Address: "mqtt://" + wan.BrokerFromB},
		near: wanSpec{Way: way, Address: "mqtt://" + wan.BrokerFromA},
	}
}
