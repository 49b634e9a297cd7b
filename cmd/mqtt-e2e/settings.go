package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// defaultPeerTimeout outlasts a closed lid, where a program of its own may want
// to know sooner. Both sides wait as long.
const defaultPeerTimeout = time.Hour

// minPeerTimeout is longer than a round trip through any broker takes, so that
// what is shorter can only be a slip.
const minPeerTimeout = time.Second

// settings are the flags of every verb that connects to a broker.
type settings struct {
	name           string
	named          func() bool // whether a name was given, which may be empty
	keyFiles       []string
	fleetKeyFile   string
	user           string
	passwordFile   string
	caFile         string
	clientCert     string
	clientKey      string
	topicPrefix    string
	padSize        int
	maxMessageSize int
	peerTimeout    time.Duration
}

func (s *settings) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&s.name, "name", "n", "", "the listener's `NAME`, where the address has none; it may be empty")
	s.named = func() bool { return flags.Changed("name") }
	s.registerKey(cmd)
	flags.StringVar(&s.user, "user", "", "`USER` for the broker, or for those of several that have none")
	flags.StringVar(&s.passwordFile, "password-file", "", "`FILE` with the password for the broker")
	flags.StringVar(&s.caFile, "ca-file", "", "`FILE` with the certificates (PEM) that may sign the broker's")
	flags.StringVar(&s.clientCert, "client-cert", "", "`FILE` with our certificate (PEM) for the broker")
	flags.StringVar(&s.clientKey, "client-key", "", "`FILE` with its private key (PEM)")
	flags.StringVar(&s.topicPrefix, "topic-prefix", "", "`TEXT` before every topic, equal on both sides")
	flags.IntVar(&s.padSize, "pad-size", 0, "shortest plaintext of a packet, `BYTES` (0: 50, negative: no padding)")
	flags.IntVar(&s.maxMessageSize, "max-message-size", 0, "largest MQTT payload, `BYTES` (0: 32768)")
	flags.DurationVar(&s.peerTimeout, "peer-timeout", 0, "silence after which the other side is given up, such as 90s (0: 1h, at least 1s, negative: never)")
	takesFile(cmd, "password-file", "ca-file", "client-cert", "client-key")
}

// registerKey registers the one flag of settings that verbs without a broker
// have too.
func (s *settings) registerKey(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.keyFiles, "key-file", nil, "`FILE` with the key")
	s.registerFleetKey(cmd)
	takesFile(cmd, "key-file")
}

func (s *settings) registerFleetKey(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.fleetKeyFile, "fleet-key-file", "", "`FILE` with the key of a fleet, of which each name has a key of its own")
	takesFile(cmd, "fleet-key-file")
}

// keys returns what the flags or the environment say.
func (s *settings) keys() (sources []secrets.Source, err error) {
	if err := s.checkKeyFlags(); err != nil {
		return nil, err
	}
	if s.fleetKeyFile == "" {
		sources, err = secrets.Keys(s.keyFiles)
	} else {
		sources = make([]secrets.Source, 1)
		sources[0], err = secrets.FleetKey(s.fleetKeyFile)
	}
	return sources, keyError(err)
}

func (s *settings) checkKeyFlags() error {
	if s.fleetKeyFile != "" && len(s.keyFiles) > 0 {
		return usagef("--key-file and --fleet-key-file both say which key: leave one out")
	}
	return nil
}

// key is keys for verbs that need exactly one.
func (s *settings) key() (secrets.Source, error) {
	if len(s.keyFiles) > 1 {
		return secrets.Source{}, usagef("--key-file is given twice: only listen takes several keys")
	}
	sources, err := s.keys()
	if err != nil {
		return secrets.Source{}, err
	}
	return sources[0], nil
}

// dialer returns an Endpoint to reach the place with that args name, and the
// arguments that follow the address.
func (a *app) dialer(args []string, s *settings) (*mqtte2e.Endpoint, place, []string, error) {
	p, rest, err := a.findPlace(args, s)
	if err != nil {
		return nil, p, nil, err
	}
	key, err := s.key()
	if err != nil {
		return nil, p, nil, err
	}
	endpoint, err := a.endpoint(s, p, key)
	return endpoint, p, rest, err
}

// endpoint returns an Endpoint at the place under key. It does no I/O but
// reading files.
func (a *app) endpoint(s *settings, p place, key secrets.Source) (*mqtte2e.Endpoint, error) {
	if s.peerTimeout > 0 && s.peerTimeout < minPeerTimeout {
		return nil, usagef("--peer-timeout %v is shorter than some answers take: write %v or more, such as 90s", s.peerTimeout, minPeerTimeout)
	}
	password, tlsConfig, err := s.credentials(p)
	if err != nil {
		return nil, err
	}
	return &mqtte2e.Endpoint{Broker: p.broker, Config: &mqtte2e.Config{
		Key:            key.Key,
		Fleet:          key.Fleet,
		PadSize:        s.padSize,
		MaxMessageSize: s.maxMessageSize,
		PeerTimeout:    cmp.Or(s.peerTimeout, defaultPeerTimeout),
		Username:       s.user,
		Password:       password,
		TLSConfig:      tlsConfig,
		TopicPrefix:    s.topicPrefix,
		Logger:         a.logger,
	}}, nil
}

// credentials returns what the broker at the place is to get.
func (s *settings) credentials(p place) (password string, tlsConfig *tls.Config, err error) {
	if password, err = secrets.Password(s.passwordFile); err == nil {
		tlsConfig, err = s.tlsConfig(p)
	}
	return password, tlsConfig, usage(err)
}

// tlsConfig returns nil where the defaults do.
func (s *settings) tlsConfig(p place) (*tls.Config, error) {
	if s.caFile == "" && s.clientCert == "" && s.clientKey == "" {
		return nil, nil
	}
	if !p.has(encryption) {
		return nil, errors.New("--ca-file, --client-cert and --client-key are for TLS: write mqtts:// or wss://")
	}
	config := new(tls.Config)
	if s.caFile != "" {
		pem, err := os.ReadFile(s.caFile)
		if err != nil {
			return nil, ui.FileError("--ca-file", s.caFile, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("--ca-file " + s.caFile + " has no certificate in PEM form in it")
		}
	}
	if s.clientCert == "" && s.clientKey == "" {
		return config, nil
	}
	certificate, err := s.certificate()
	config.Certificates = []tls.Certificate{certificate}
	return config, err
}

func (s *settings) certificate() (tls.Certificate, error) {
	if s.clientCert == "" || s.clientKey == "" {
		return tls.Certificate{}, errors.New("--client-cert and --client-key go together: give both")
	}
	certificate, err := os.ReadFile(s.clientCert)
	if err != nil {
		return tls.Certificate{}, ui.FileError("--client-cert", s.clientCert, err)
	}
	key, err := secrets.ReadFile("--client-key", s.clientKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certificate, []byte(key))
	if err != nil {
		err = ui.Wrap(err, "--client-cert %s and --client-key %s are of no use: %s", s.clientCert, s.clientKey, strings.TrimPrefix(err.Error(), "tls: "))
	}
	return pair, err
}
