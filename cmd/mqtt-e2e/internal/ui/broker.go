package ui

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// broker says why the broker is of no use, or each of several.
func (p Place) broker(cause error) string {
	var several link.BrokerErrors
	if !errors.As(cause, &several) || len(several) == 1 {
		return p.brokers() + " " + brokerReason(cause)
	}
	return fmt.Sprintf("none of the %d brokers is of use: %s", len(several), p.each(several))
}

// each says of each broker why it is of no use.
func (p Place) each(several link.BrokerErrors) string {
	texts := make([]string, len(several))
	for i, err := range several {
		texts[i] = err.Broker.String() + " " + brokerReason(err.Err)
	}
	// Their order says nothing, and what differs in that alone is no news.
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(p.index(a), p.index(b)), strings.Compare(a, b)) })
	return strings.Join(texts, "; ")
}

// index returns which of the brokers a text begins with.
func (p Place) index(text string) int {
	return slices.IndexFunc(p.At.Brokers, func(b address.Broker) bool { return strings.HasPrefix(text, b.String()+" ") })
}

// several reports whether there is more than one broker.
func (p Place) several() bool { return len(p.At.Brokers) > 1 }

// brokers begins or continues a sentence about the broker, or several.
func (p Place) brokers() string {
	if p.several() {
		return "the brokers " + p.At.String()
	}
	return "the broker " + p.At.String()
}

// inLog says why a broker is of no use, or each of several, if err is of a kind that
// only the way to a broker has. The line of the log names one broker itself, and says
// that it is not reached.
func inLog(err error) (text string, ok bool) {
	var several link.BrokerErrors
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "listen":
		return "", false // at a port of this machine
	case errors.As(err, &several):
		return Place{}.each(several), true
	case errors.As(err, new(*link.RefusedError)), errors.As(err, new(*link.ForeignError)), errors.As(err, new(*link.ProxyError)),
		errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, new(tls.RecordHeaderError)),
		errors.As(err, &op) && op.Op == "remote error", errors.As(err, new(*net.DNSError)):
		return strings.TrimPrefix(brokerReason(err), "cannot be reached: "), true
	}
	return "", false
}

// brokerReason continues a sentence that begins with the broker.
func brokerReason(cause error) string {
	var refused *link.RefusedError
	var foreign *link.ForeignError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var op *net.OpError
	var proxy *link.ProxyError
	switch {
	case errors.As(cause, &refused):
		return refusal(refused)
	case errors.As(cause, &foreign):
		return "cannot be used: " + foreign.Error()
	case errors.As(cause, &certificate):
		return "has a certificate that does not hold: " + untrusted(certificate.Err)
	case errors.As(cause, &record):
		return "speaks no TLS on this port: check the port, or write mqtt:// or ws://"
	case errors.As(cause, &op) && op.Op == "remote error":
		return fmt.Sprintf("ended the TLS handshake (%v): check --client-cert and --client-key", strings.TrimPrefix(op.Err.Error(), "tls: "))
	case errors.As(cause, &proxy):
		return fmt.Sprintf("cannot be reached through the proxy at %s: %s", proxy.Proxy, proxyReason(proxy))
	case errors.As(cause, &dns):
		return "cannot be reached: " + Reason(cause) + ": check the spelling of the host, and this machine's DNS"
	case errors.Is(cause, syscall.ECONNREFUSED):
		return "cannot be reached: connection refused: check that it runs, and host and port"
	case isHangUp(cause):
		return "hung up: check --user and --password-file, and what the broker lets this user do"
	}
	return "cannot be reached: " + Reason(cause) + ": check host, port and network"
}

// proxyReason says where to look, unless the reason does.
func proxyReason(err *link.ProxyError) string {
	reason := Reason(err)
	if strings.Contains(reason, ": check ") || strings.Contains(reason, err.Variable) {
		return reason
	}
	return reason + ": check " + err.Variable + " in the environment"
}

func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func refusal(refused *link.RefusedError) string {
	switch refused.What {
	case link.RefusedCredentials:
		return "refused user and password (CONNACK 4): check --user and --password-file"
	case link.RefusedAccess:
		return "refused access (CONNACK 5): check --user and --password-file, and what the broker lets this user do"
	}
	return "refused " + refused.Reason
}

// untrusted says what is wrong with a certificate, and what to change.
func untrusted(err error) string {
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &hostname):
		return "it is for another host: write a host in the address that the certificate is for" + hosts(hostname.Certificate)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("it holds from %s to %s: check this machine's clock, or renew it", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "this machine does not know who signed it: give --ca-file with the certificate of who did"
	}
	return strings.TrimPrefix(err.Error(), "x509: ") + ": check the host in the address, this machine's clock, and --ca-file"
}

// maxHosts is how many hosts of a certificate an error names.
const maxHosts = 3

func hosts(certificate *x509.Certificate) string {
	names := certificate.DNSNames
	for _, ip := range certificate.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names[:min(len(names), maxHosts)], ", ") + ")"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
