package ui

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

var place = Place{At: at("mqtts://h"), Name: "box", Filter: "--topic"}

// at returns an address that is valid.
func at(text string) address.Address {
	a, err := address.Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

// broker returns an error as an Endpoint does if its broker is of no use.
func broker(cause error) error {
	known := &engine.Error{Kind: mqtte2e.ErrBroker, Cause: fmt.Errorf("connecting to the broker at h:8883: %w", cause), Text: "the library's"}
	return &net.OpError{Op: "dial", Net: "mqtt", Err: known}
}

func socket(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Source: &net.TCPAddr{Port: 39190}, Addr: &net.TCPAddr{Port: 8883}, Err: os.NewSyscallError("connect", err)}
}

// TestExplain has what the table of scripts cannot: kinds of errors that need
// another network, another clock, or luck.
func TestExplain(t *testing.T) {
	day := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	expired := &x509.Certificate{NotBefore: day, NotAfter: day.AddDate(1, 0, 0)}
	verification := func(err error) error { return broker(&tls.CertificateVerificationError{Err: err}) }
	const at = "the broker mqtts://h:8883 "
	for _, test := range []struct {
		err  error
		want string
	}{
		{broker(&net.DNSError{Name: "h", IsNotFound: true}), at + "cannot be reached: the host h is not known: check the spelling of the host, and this machine's DNS"},
		{broker(&net.DNSError{Name: "h"}), at + "cannot be reached: the host h cannot be looked up: check the spelling of the host, and this machine's DNS"},
		{broker(socket(syscall.EHOSTUNREACH)), at + "cannot be reached: there is no route to it: check host, port and network"},
		{broker(socket(syscall.ENETDOWN)), at + "cannot be reached: network is down: check host, port and network"},
		{broker(fmt.Errorf("waiting for the broker: %w; the last attempt: %w", context.DeadlineExceeded, socket(syscall.ECONNREFUSED))), at + "cannot be reached: connection refused: check that it runs, and host and port"},
		{broker(context.DeadlineExceeded), at + "cannot be reached: no answer in time: check host, port and network"},
		{broker(fmt.Errorf("the broker closed the connection: %w", io.EOF)), at + "hung up: check --user and --password-file, and what the broker lets this user do"},
		{broker(&link.RefusedError{What: link.RefusedCredentials}), at + "refused user and password (CONNACK 4): check --user and --password-file"},
		{broker(&link.RefusedError{What: link.RefusedSubscription, Reason: `the subscription to "t": check the broker's permissions`}), at + `refused the subscription to "t": check the broker's permissions`},
		{verification(x509.CertificateInvalidError{Cert: expired, Reason: x509.Expired}), at + "has a certificate that does not hold: it holds from 2020-01-02 to 2021-01-02: check this machine's clock, or renew it"},
		{verification(x509.CertificateInvalidError{Cert: expired, Reason: x509.IncompatibleUsage}), at + "has a certificate that does not hold: certificate specifies an incompatible key usage: check the host in the address, this machine's clock, and --ca-file"},
		{fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, socket(syscall.ECONNREFUSED)), at + "cannot be reached: connection refused: check that it runs, and host and port"},
		{fmt.Errorf("mux: the session ended: %w", &engine.Error{Kind: mqtte2e.ErrPeerGone, Cause: setting.Errorf("", "its process was restarted"), Text: "its process was restarted"}), "the other side is gone: its process was restarted"},
		{&engine.Error{Kind: mqtte2e.ErrNoAnswer, Text: `as "box": its listener answered the handshake but not the first packet; check its network`}, `nobody answered as "box": its listener answered the handshake but not the first packet; check its network`},
		{setting.Errorf("mqtte2e: ", "%v is wrong", setting.Field("Config.TopicPrefix")), "--topic-prefix is wrong"},
		{setting.Errorf("message: ", "%v is wrong", setting.Field("Config.Subscribe")), "--topic is wrong"},
		{errors.New("the command's own"), "the command's own"},
	} {
		got := place.Explain(test.err)
		if got.Error() != test.want {
			t.Errorf("%v\nis explained as %q,\nwant           %q", test.err, got, test.want)
		}
		if !errors.Is(got, test.err) || place.Explain(got) != got {
			t.Errorf("%v loses its cause, or is explained twice", test.err)
		}
	}
	if err := place.Explain(nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

// TestExplainSeveralBrokers: each is named with its own reason, and no other.
func TestExplainSeveralBrokers(t *testing.T) {
	place := Place{At: at("mqtts://u:p@h,ws://i/?t"), Name: "box"}
	brokers := place.At.Brokers
	all := link.BrokerErrors{{Broker: brokers[0], Err: &link.RefusedError{What: link.RefusedCredentials, Permanent: true}}, {Broker: brokers[1], Err: socket(syscall.ECONNREFUSED)}}
	const none = "none of the 2 brokers is of use: mqtts://h:8883 refused user and password (CONNACK 4): check --user and --password-file; ws://i:80 cannot be reached: connection refused: check that it runs, and host and port"
	const both = "mqtts://h:8883,ws://i:80"
	for _, test := range []struct{ got, want string }{
		{place.Explain(broker(all)).Error(), none},
		{place.Explain(broker(link.BrokerErrors{all[1], all[0]})).Error(), none},
		{place.Explain(fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, all)).Error(), none},
		{place.Explain(broker(context.DeadlineExceeded)).Error(), "the brokers " + both + " cannot be reached: no answer in time: check host, port and network"},
		{place.Explain(mqtte2e.ErrNoAnswer).Error(), `nobody answered as "box" with ` + place.Key.String() + " at " + both + ": check that listen runs at one of these brokers, that name, key (listen shows its fingerprint) and --topic-prefix are equal on both sides, and what they let both do"},
		{place.Waits(true), `nobody has answered yet as "box" with ` + place.Key.String() + " at " + both + ": does listen run at one of these brokers, with this name and key?"},
		{place.Waits(false), "no answer yet from any of the brokers " + both + ": are hosts and ports right, and the network up?"},
	} {
		if test.got != test.want {
			t.Errorf("it says\n%s\nand not\n%s", test.got, test.want)
		}
	}
	answers := place.Explain(mqtte2e.ErrNoAnswer).Error()
	unanswered := &engine.Error{Kind: mqtte2e.ErrNoAnswer, Cause: errors.Join(context.DeadlineExceeded, all[1:]), Text: "the library's"}
	got, want := place.Explain(&net.OpError{Op: "dial", Net: "mqtt", Err: unanswered}).Error(), answers+"; one broker that works has to be in both lists, and here ws://i:80 cannot be reached: connection refused: check that it runs, and host and port"
	if got != want {
		t.Errorf("where one is not connected it says\n%s\nand not\n%s", got, want)
	}
	one := Place{At: at("mqtt://h")}
	if got, want := one.Explain(fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, link.BrokerErrors{{Broker: one.At.Brokers[0], Err: io.EOF}})).Error(), "the broker mqtt://h:1883 hung up"; !strings.HasPrefix(got, want) {
		t.Errorf("of one broker it says %q, want %q", got, want)
	}
}

func TestReasonOfFiles(t *testing.T) {
	err := &fs.PathError{Op: "open", Path: "key", Err: syscall.EACCES}
	if got, want := FileError("the key file", "key", err).Error(), "the key file key: "+syscall.EACCES.Error(); got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

// unused are the fields that no flag sets, so that no error of the command is
// about them.
var unused = []string{"Config.TimeWindow", "Config.Keys", "Config.Fleet", "Config.Devices", "Config.MaxPacketSize", "Config.Subscribe" /* Place.Filter */}

// TestEveryFieldHasAFlag looks for the fields that the library's errors name.
func TestEveryFieldHasAFlag(t *testing.T) {
	named := regexp.MustCompile(`setting\.Field\("([^"]+)"\)`)
	inText := regexp.MustCompile(`"[^"\n]* Config\.[A-Z][^"\n]*"`)
	found := 0
	for _, pattern := range []string{"*.go", "internal/*/*.go", "message/*.go"} {
		files, err := filepath.Glob(filepath.Join("../../../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// The root's errors are explained by kind; what the engine says of a peer is shown.
			if text := inText.Find(source); text != nil && strings.Contains(file, "engine") && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s: make the field in %s a setting.Field", file, text)
			}
			for _, match := range named.FindAllStringSubmatch(string(source), -1) {
				found++
				if flags[setting.Field(match[1])] == "" && !slices.Contains(unused, match[1]) {
					t.Errorf("%s: no flag for %s", file, match[1])
				}
			}
		}
	}
	if found == 0 {
		t.Error("the library's errors name no field: does this test look for the right thing?")
	}
}
