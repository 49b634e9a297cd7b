package link

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
)

// mqttOn443 is what AWS IoT Core wants to be offered (ALPN, RFC 7301) on port 443, where it serves HTTPS too, by clients that have
// a certificate: https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html.
const mqttOn443 = "x-amzn-mqtt-ca"

// noApplicationProtocol is the alert of a server that knows none of the protocols offered (RFC 7301, section 3.2).
const noApplicationProtocol tls.AlertError = 120

// tlsConfig returns the caller's TLS configuration, with the broker's host name to verify where it names none.
func (a *dialAttempt) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if a.config.TLSConfig != nil {
		config = a.config.TLSConfig.Clone()
	}
	if config.ServerName == "" {
		if host, _, err := net.SplitHostPort(a.config.Broker.Host); err == nil {
			config.ServerName = host
		}
	}
	if a.protocols != nil {
		config.NextProtos = a.protocols
	}
	return config
}

// protocols returns what to offer in TLS, nil if that is for the caller's configuration to say: for mqtts on port 443, unless
// its NextProtos are set, what AWS IoT Core wants there. Most servers of another kind take no notice.
func (c *Config) protocols() []string {
	on443 := c.Broker.Scheme == "mqtts" && strings.HasSuffix(c.Broker.Host, ":443")
	if !on443 || c.TLSConfig != nil && c.TLSConfig.NextProtos != nil {
		return nil
	}
	return []string{mqttOn443}
}

// refusesProtocols tells whether a server knows none of the protocols offered: one for the web in front of a broker, which works
// if nothing is offered.
func refusesProtocols(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && op.Err.Error() == noApplicationProtocol.Error()
}
