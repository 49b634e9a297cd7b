package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

func startTLSBroker(ts *testscript.TestScript, _ bool, args []string) {
	certificate, err := selfSigned()
	ts.Check(err)
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), block, 0o644))
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if len(args) > 0 {
		config.ClientAuth = tls.RequireAnyClientCert
		config.MaxVersion = tls.VersionTLS12 // which says so within the handshake
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	ts.Check(err)
	b, err := broker.New(broker.Config{})
	ts.Check(err)
	ts.Defer(func() { b.Close() })
	ts.Check(b.Listen(listener))
	ts.Setenv("ADDRESS", "mqtts://"+listener.Addr().String())
	ts.Setenv("HOST", listener.Addr().String())
	ts.Setenv("PORT", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
}

// selfSigned makes a certificate for the loopback interface.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
