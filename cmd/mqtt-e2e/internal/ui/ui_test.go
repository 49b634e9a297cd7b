package ui

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestHandler(t *testing.T) {
	var out strings.Builder
	logger := slog.New(newHandler(&out, slog.LevelInfo, false))
	logger.Debug("not shown")
	logger.With("peer", "peer-1").WithGroup("g").Info("hello", "n", 5, slog.Group("in", "x", "a b"))
	logger.Warn("careful\x1b[2J\nsecond", "error", errors.New("line\nbreak"))
	logger.Error("over")
	want := "mqtt-e2e: hello peer=peer-1 g.n=5 g.in.x=\"a b\"\n" +
		"mqtt-e2e: warning: careful [2J second error=\"line\\nbreak\"\n" +
		"mqtt-e2e: error: over\n"
	if out.String() != want {
		t.Errorf("written:\n%swant:\n%s", out.String(), want)
	}
}

// TestTrace has a line of the level below Debug, in both formats and where it is
// not wanted.
func TestTrace(t *testing.T) {
	var text, json, none strings.Builder
	for _, logger := range []*slog.Logger{
		slog.New(newHandler(&text, LevelTrace, false)),
		slog.New(newJSONHandler(&json, LevelTrace)),
		slog.New(newHandler(&none, slog.LevelDebug, false)),
	} {
		logger.Log(t.Context(), LevelTrace, "sent", "number", 7)
	}
	if want := "mqtt-e2e: trace: sent number=7\n"; text.String() != want {
		t.Errorf("written %q, want %q", &text, want)
	}
	if want := `"level":"TRACE","msg":"sent","number":7`; !strings.Contains(json.String(), want) {
		t.Errorf("written %s, want %s in it", &json, want)
	}
	if none.Len() > 0 {
		t.Errorf("-v writes %q", &none)
	}
}

// TestErrorsAreBrief has an error of a socket: its addresses tell nobody anything.
func TestErrorsAreBrief(t *testing.T) {
	broken := fmt.Errorf("writing to the broker: %w", &net.OpError{Op: "write", Net: "tcp", Source: &net.TCPAddr{Port: 39190}, Addr: &net.TCPAddr{Port: 1883}, Err: syscall.ECONNRESET})
	var text, json strings.Builder
	slog.New(newHandler(&text, slog.LevelInfo, false)).Info("over", "reason", broken)
	slog.New(newJSONHandler(&json, slog.LevelInfo)).Info("over", "reason", broken)
	for got, want := range map[string]string{text.String(): `reason="it reset the connection"`, json.String(): `"reason":"it reset the connection"`} {
		if !strings.Contains(got, want) || strings.Contains(got, "39190") {
			t.Errorf("written: %s", got)
		}
	}
}

// TestBrokersInTheLog has errors of brokers, of which the log says what the command's
// own errors do, in both formats.
func TestBrokersInTheLog(t *testing.T) {
	dialled := func(err error) error { return fmt.Errorf("connecting to the broker at h:8883: TLS handshake: %w", err) }
	unknown := dialled(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})
	const check = "has a certificate that does not hold: this machine does not know who signed it: give --ca-file with the certificate of who did"
	for _, test := range []struct {
		err  error
		want string
	}{
		{unknown, check},
		{dialled(&link.RefusedError{What: link.RefusedCredentials}), "refused user and password (CONNACK 4): check --user and --password-file"},
		{dialled(tls.RecordHeaderError{}), "speaks no TLS on this port: check the port, or write mqtt:// or ws://"},
		{dialled(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "h", IsNotFound: true}}), "the host h is not known: check the spelling of the host, and this machine's DNS"},
		{fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, link.BrokerErrors{{Broker: place.At.Brokers[0], Err: unknown}}), "mqtts://h:8883 " + check},
		{Wrap(unknown, "in our words"), "in our words"},
	} {
		var text, json strings.Builder
		slog.New(newHandler(&text, slog.LevelInfo, false)).Info("over", "reason", test.err)
		slog.New(newJSONHandler(&json, slog.LevelInfo)).Info("over", "reason", test.err)
		for _, got := range []string{text.String(), json.String()} {
			if !strings.Contains(got, `"`+test.want+`"`) {
				t.Errorf("%v\nis written %swant %s", test.err, got, test.want)
			}
		}
	}
}

func TestStamp(t *testing.T) {
	var out strings.Builder
	at := time.Date(2026, 1, 2, 3, 4, 5, 67_000_000, time.FixedZone("", 3600))
	record := slog.NewRecord(at, slog.LevelWarn, "late", 0)
	if err := newHandler(&out, slog.LevelInfo, true).Handle(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if want := "2026-01-02T03:04:05.067+01:00 mqtt-e2e: warning: late\n"; out.String() != want {
		t.Errorf("written: %swant: %s", &out, want)
	}
}

func TestStatusTellsChanges(t *testing.T) {
	var out strings.Builder
	status := NewStatus(slog.New(newHandler(&out, slog.LevelInfo, false)))
	status.Warn("down")
	status.Warn("down")
	status.Info("up")
	status.Warn("down")
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("%d lines:\n%s", got, &out)
	}
}

func TestNotice(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var out strings.Builder
		status := NewStatus(slog.New(newHandler(&out, slog.LevelInfo, false)))
		stop := Notice(func() { status.Warn("never") })
		time.Sleep(noticeAfter - 1)
		stop()
		defer Notice(func() { status.Warn("still waiting") })()
		time.Sleep(noticeAfter)
		simtest.Wait()
		if want := "mqtt-e2e: warning: still waiting\n"; out.String() != want {
			t.Errorf("written %q, want %q", &out, want)
		}
	})
}

func TestStatusTellsKindsOnce(t *testing.T) {
	var out strings.Builder
	status := NewStatus(slog.New(newHandler(&out, slog.LevelInfo, false)))
	status.Info("up")
	for port := range 100 {
		status.Warn(fmt.Sprintf("read tcp 127.0.0.1:%d->127.0.0.1:1883: reset", 40000+port))
		status.Warn(fmt.Sprintf("read tcp [::1]:%d->[fe80::1%%eth0]:1883: EOF", 40000+port))
		status.Warn(fmt.Sprintf("dial tcp 192.0.2.%d:1883: refused", 1+port%2))
	}
	status.Info("up")
	status.Warn("read tcp 127.0.0.1:1->127.0.0.1:1883: reset")
	if got := strings.Count(out.String(), "\n"); got != 6 {
		t.Errorf("%d lines, want up, three warnings, up, a warning:\n%s", got, &out)
	}
}

func TestStatusTellsTargetsApart(t *testing.T) {
	var out strings.Builder
	status := NewStatus(slog.New(newHandler(&out, slog.LevelInfo, false)))
	for range 3 {
		status.Warn("refused", "target", "192.0.2.1:80")
		status.Warn("refused", "target", "192.0.2.2:80")
	}
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d lines, want one for each target:\n%s", got, &out)
	}
}

func TestNilProgress(t *testing.T) {
	var p *Progress
	p.Show("%d", 1)
	p.Clear()
}
