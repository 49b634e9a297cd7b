// Package mqtte2e connects two programs through an MQTT broker that neither of
// them trusts. A Conn is a net.Conn and a Listener a net.Listener, so what
// works over TCP works over them: ssh, HTTP, TLS, or a protocol of your own.
//
//	key, err := mqtte2e.ParseKey(os.Getenv("MQTT_E2E_KEY"))
//	config := &mqtte2e.Config{Key: key}
//
//	// On the device, which needs no open port and no public address:
//	listener, err := mqtte2e.Listen(ctx, "mqtts://broker.example#thermostat", config)
//	conn, err := listener.Accept()
//
//	// Anywhere else:
//	conn, err := mqtte2e.Dial(ctx, "mqtts://broker.example#thermostat", config)
//
// Both ends share a 16-byte Key. What they exchange is encrypted and
// authenticated between them with fresh keys for each Conn, ordered,
// retransmitted and flow controlled, and survives reconnects and restarts of
// the broker. The broker can neither read nor forge anything; it can drop,
// delay and repeat messages, and sees their sizes and times.
//
// # Addresses
//
// An address is the URL of a broker with the name of a listener as its
// fragment. The scheme is mqtt, mqtts, ws or wss (tcp is another spelling of
// mqtt, ssl and tls of mqtts); the ports default to 1883, 8883, 80 and 443, the
// path of ws and wss to /mqtt. User and password for the broker stand before
// the host, percent-encoded, or in Config, which wins:
//
//	mqtt://broker.example#thermostat
//	mqtts://user:p%40ss@broker.example:8883#thermostat
//	wss://broker.example/mqtt#thermostat
//
// A name is 0 to 63 bytes of a-z, 0-9, dot, underscore and hyphen; upper case
// counts as lower case. It is never sent: it only enters key derivation.
//
// Several brokers, at most eight, stand in one address, joined by commas, the
// name last:
//
//	mqtts://a.example,mqtts://user:p%40ss@b.example:8884,wss://c.example/mqtt#thermostat
//
// A comma separates brokers only if a scheme and :// follow it. An Endpoint is
// connected to all of them. Listen and Dial succeed as soon as one broker
// allows it; two ends need to have one in common that works. A Conn uses
// whichever path between its ends works, and moves to another without losing a
// byte; one path carries the data. What is down is tried again for ever. User
// and password in Config are then for those brokers that have none of their own.
//
// # Contexts
//
// A context that is passed to a function bounds that call only, never the Conn
// or Listener that the call returned. A dial without a deadline gives up after
// 30 seconds.
//
// # Errors
//
// After Close, errors answer to net.ErrClosed; a deadline that passed is
// os.ErrDeadlineExceeded. io.EOF is returned only after the peer ended its
// stream and every byte of it was delivered; a stream that was cut off ends in
// another error. ErrNoAnswer, ErrPeerGone, ErrRefused and ErrBroker tell with
// errors.Is what went wrong.
package mqtte2e
