package simtest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
)

// Certificate returns a TLS certificate for example.com and 127.0.0.1, and the roots that vouch for it.
func Certificate() (tls.Certificate, *x509.CertPool) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
}
