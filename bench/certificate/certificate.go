// Package certificate makes the certificate of a broker on the loopback interface.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files that Make writes.
const (
	File    = "certificate.pem"
	KeyFile = "key.pem"
)

// Configs are both ends' configuration for TLS to the broker.
type Configs struct{ Server, Client *tls.Config }

// Make makes a self-signed certificate for the loopback interface and writes it and its key to dir.
func Make(dir string) (*Configs, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(filepath.Join(dir, File), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	if err := writePEM(filepath.Join(dir, KeyFile), "PRIVATE KEY", encoded); err != nil {
		return nil, err
	}
	client, err := Trust(filepath.Join(dir, File))
	if err != nil {
		return nil, err
	}
	return &Configs{Server: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, Client: client}, nil
}

// Trust returns the configuration of a client that trusts the certificate in a file.
func Trust(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate is in it", file)
	}
	return &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}, nil
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
