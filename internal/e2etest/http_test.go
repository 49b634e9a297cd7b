package e2etest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// countingListener counts what it accepts.
type countingListener struct {
	net.Listener
	accepted atomic.Int32
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

// serve runs an HTTP server under a name until the test ends.
func serve(t *testing.T, e *mqtte2e.Endpoint, name string, handler http.Handler) *countingListener {
	t.Helper()
	listener, err := e.Listen(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	counting := &countingListener{Listener: listener}
	server := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() { served <- server.Serve(counting) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return counting
}

func httpClient(t *testing.T, e *mqtte2e.Endpoint) *http.Client {
	transport := &http.Transport{DialContext: e.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestHTTP(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /body/{length}", func(w http.ResponseWriter, r *http.Request) {
		length, err := strconv.ParseInt(r.PathValue("length"), 10, 64)
		if err != nil {
			t.Error(err)
		}
		io.Copy(w, content(length))
	})
	mux.HandleFunc("POST /hash", func(w http.ResponseWriter, r *http.Request) {
		sum, err := hashOf(r.Body)
		if err != nil {
			t.Errorf("the request's body: %v", err)
		}
		fmt.Fprintf(w, "%x", sum)
	})
	listener := serve(t, endpoint(t, broker, config), "web", mux)
	client := httpClient(t, endpoint(t, broker, config))

	for _, length := range []int64{0, 1, size(64 << 20)} {
		want, err := hashOf(content(length))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(fmt.Sprintf("http://web/body/%d", length))
		if err != nil {
			t.Fatal(err)
		}
		got, err := hashOf(response.Body)
		response.Body.Close()
		if err != nil || got != want {
			t.Errorf("the response with %d bytes: %v, right %t", length, err, got == want)
		}
		response, err = client.Post("http://web/hash", "application/octet-stream", content(length))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(sum) != fmt.Sprintf("%x", want) {
			t.Errorf("of %d bytes the server got %s, %v", length, sum, err)
		}
	}
	if n := listener.accepted.Load(); n != 1 {
		t.Errorf("six requests one after another took %d connections, want 1", n)
	}
}

// TestHTTPClientAborts checks that the server hears of a client that cancels,
// by its context and by its writes, and serves the next one.
func TestHTTPClientAborts(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	ended := make(chan error, 2)
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 10000)); err != nil {
				<-r.Context().Done()
			}
		}
		ended <- r.Context().Err()
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		ended <- nil
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	serve(t, endpoint(t, broker, config), "web", mux)
	client := httpClient(t, endpoint(t, broker, config))

	response, err := client.Get("http://web/endless")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, response.Body, 1e6); err != nil {
		t.Error(err)
	}
	response.Body.Close()
	if err := <-ended; err == nil {
		t.Error("the handler did not hear of the abort")
	}

	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "GET", "http://web/silent", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-ended // the handler has begun
		cancel()
	}()
	if _, err := client.Do(request); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled request: %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the handler did not hear of the cancellation")
	}
}

// TestHTTPServerAborts checks that a response that ends too soon is an error.
func TestHTTPServerAborts(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	serve(t, endpoint(t, broker, config), "web", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 1e5))
		panic(http.ErrAbortHandler)
	}))
	response, err := httpClient(t, endpoint(t, broker, config)).Get("http://web/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading an aborted response: %v", err)
	}
}

// TestReverseProxyUpgrade has a reverse proxy between two Conns switch to
// another protocol, which it does with CloseWrite of both.
func TestReverseProxyUpgrade(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	server := endpoint(t, broker, config)
	serve(t, server, "back", http.HandlerFunc(upgradeToUpper))
	target := &url.URL{Scheme: "http", Host: "back"}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: httpClient(t, endpoint(t, broker, config)).Transport,
	}
	serve(t, server, "front", proxy)

	conn, err := endpoint(t, broker, config).Dial(t.Context(), "front")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: front\r\nConnection: Upgrade\r\nUpgrade: upper\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the status is %s", response.Status)
	}
	io.WriteString(conn, "hello")
	if err := conn.CloseWrite(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(in); string(got) != "HELLO" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// upgradeToUpper answers with what it reads, in upper case, once it has
// everything.
func upgradeToUpper(w http.ResponseWriter, r *http.Request) {
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: upper\r\n\r\n")
	text, err := io.ReadAll(in)
	if err != nil {
		return
	}
	for _, b := range text {
		conn.Write([]byte{b - 'a' + 'A'})
	}
}

func TestHTTPServerShutdown(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	listener, err := endpoint(t, broker, config).Listen(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client := httpClient(t, endpoint(t, broker, config))
	response, err := client.Get("http://web/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Shutdown: %v", err)
	}
}
