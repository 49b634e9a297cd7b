package server

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// echoServer returns the address of a TCP target that returns what it gets.
func echoServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

// policy reads values of --to.
func policy(t *testing.T, to ...string) target.Policy {
	t.Helper()
	var policy target.Policy
	for _, text := range to {
		if err := policy.Add(text); err != nil {
			t.Fatal(err)
		}
	}
	return policy
}

// dialled returns a session with a Server, whose streams are served as requests
// or, if plain, as streams that name no target.
func dialled(t *testing.T, server *Server, plain bool) *mux.Session {
	t.Helper()
	a, b := simtest.Pipe()
	logger := server.logger.With("peer", "peer-1")
	go server.serveSession(b, logger, func(session *mux.Session, stream net.Conn) {
		if plain {
			server.serveDefault(mqtte2e.Key{}, stream, logger)
			return
		}
		(&request{server: server, session: session, stream: stream, logger: logger}).serve()
	})
	session, err := mux.Client(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		server.Wait()
	})
	return session
}

// wantEcho sends text and wants it back.
func wantEcho(t *testing.T, stream net.Conn, text string) {
	t.Helper()
	stream.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(stream, text)
	if err := tunnel.CloseWrite(stream); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(stream); err != nil || string(got) != text {
		t.Errorf("read %q, %v, want %q", got, err, text)
	}
}

// everyone may reach the same.
func everyone(policy target.Policy) func(mqtte2e.Key) Peer {
	return func(mqtte2e.Key) Peer { return Peer{"everyone", policy} }
}

func served(t *testing.T, to ...string) func(mqtte2e.Key) Peer { return everyone(policy(t, to...)) }

func TestRequestsForTargets(t *testing.T) {
	echo := echoServer(t)
	session := dialled(t, New(served(t, echo, "web="+echo), false, new(process).logger()), false)
	for _, request := range []tunnel.Request{
		{Kind: tunnel.Service},
		{Kind: tunnel.Service, Text: "web"},
		{Kind: tunnel.Target, Text: echo},
	} {
		stream, err := tunnel.OpenStream(t.Context(), session, request)
		if err != nil {
			t.Errorf("%+v: %v", request, err)
			continue
		}
		wantEcho(t, stream, "through the tunnel")
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	p := new(process)
	rules := policy(t, "dead=127.0.0.1:1")
	anywhere, err := target.ParseAllow("any:9")
	if err != nil {
		t.Fatal(err)
	}
	rules.Allow = append(rules.Allow, anywhere)
	session := dialled(t, New(everyone(rules), false, p.logger()), false)
	for request, want := range map[tunnel.Request]tunnel.Reply{
		{Kind: tunnel.Service}:                         {Code: tunnel.Refused, Text: "there is no default target"},
		{Kind: tunnel.Service, Text: "web"}:            {Code: tunnel.Refused, Text: "no such service"},
		{Kind: tunnel.Service, Text: "dead"}:           {Code: tunnel.Unreachable, Text: "connection refused"},
		{Kind: tunnel.Target, Text: "192.0.2.1:22"}:    {Code: tunnel.Refused, Text: "--allow 192.0.2.1:22"},
		{Kind: tunnel.Target, Text: "localhost:9"}:     {Code: tunnel.Refused, Text: "--allow localhost:9"},
		{Kind: tunnel.Target, Text: "no target"}:       {Code: tunnel.Refused, Text: "has no port"},
		{Kind: tunnel.Open, Text: "127.0.0.1:9000"}:    {Code: tunnel.Refused, Text: "--allow-remote 127.0.0.1:9000"},
		{Kind: tunnel.Download}:                        {Code: tunnel.Refused, Text: "--allow-speedtest"},
		{Kind: tunnel.Upload}:                          {Code: tunnel.Refused, Text: "--allow-speedtest"},
		{Kind: tunnel.Arrival, Text: "127.0.0.1:9000"}: {Code: tunnel.Unknown, Text: "kind 6"},
		{Kind: tunnel.Kind(7)} /* was once in use */ :  {Code: tunnel.Unknown, Text: "kind 7"},
	} {
		_, err := tunnel.OpenStream(t.Context(), session, request)
		var refused *tunnel.Error
		if !errors.As(err, &refused) || refused.Reply.Code != want.Code || !strings.Contains(refused.Reply.Text, want.Text) {
			t.Errorf("%+v: %v, want %+v", request, err, want)
		}
		if !p.log.has(want.Text) {
			t.Errorf("%+v: the listener does not say %q", request, want.Text)
		}
	}
}

func TestMeasurements(t *testing.T) {
	session := dialled(t, New(everyone(target.Policy{}), true, new(process).logger()), false)
	download, err := tunnel.OpenStream(t.Context(), session, tunnel.Request{Kind: tunnel.Download})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100_000)
	if _, err := io.ReadFull(download, got); err != nil || strings.Trim(string(got), "\x00") != "" {
		t.Errorf("the download is not of zeros, or ends with %v", err)
	}
	tunnel.Abort(download)

	upload, err := tunnel.OpenStream(t.Context(), session, tunnel.Request{Kind: tunnel.Upload})
	if err != nil {
		t.Fatal(err)
	}
	upload.Write(got)
	tunnel.CloseWrite(upload)
	answer, err := io.ReadAll(upload)
	if err != nil || len(answer) != 8 || binary.BigEndian.Uint64(answer) != uint64(len(got)) {
		t.Errorf("the listener says that it received %x, %v", answer, err)
	}
}

// TestDefaultTarget serves streams that cannot name a target.
func TestDefaultTarget(t *testing.T) {
	open := func(to ...string) net.Conn {
		stream, err := dialled(t, New(served(t, to...), false, new(process).logger()), true).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	wantEcho(t, open(echoServer(t)), "to the default")
	for _, to := range [][]string{nil, {"127.0.0.1:1"}} {
		if _, err := io.ReadAll(open(to...)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("with %q it reads %v, want a reset", to, err)
		}
	}
}

func TestProtocols(t *testing.T) {
	for want, to := range map[string][]string{"mqtt-e2e/1": {"web=80"}, "mqtt-e2e/1 mux ": {"80"}} {
		if got := strings.Join(Protocols(policy(t, to...).Default != nil), " "); got != want {
			t.Errorf("for %q it speaks %q, want %q", to, got, want)
		}
	}
}
