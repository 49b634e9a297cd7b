package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// webServer serves what the tests ask for and returns its address.
func webServer(t *testing.T, files string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(files)))
	mux.HandleFunc("/proto", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
		http.NewResponseController(w).Flush() // before the end is known: the answer is chunked too
		io.WriteString(w, "the end")
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// serveTCP serves TCP connections with serve and returns the address.
func serveTCP(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go serveAll(listener, serve)
	return listener.Addr().String()
}

// TestCurl fetches 256 MB through -L, -R and -D, and speaks HTTP in its kinds.
func TestCurl(t *testing.T) {
	need(t, "curl")
	r := newRig(t)
	file, hash := randomFile(t, 256<<20)
	web := webServer(t, filepath.Dir(file))
	l, rem, d := unused(t), unused(t), unused(t)
	r.listen("--to", web, "--allow", web, "--allow-remote", rem)
	r.forward("-L", l, "-R", rem+":"+web, "-D", d).waitFor("the other side opened the port")
	path := "/" + filepath.Base(file)

	for name, args := range map[string][]string{
		"L": {"http://127.0.0.1:" + l + path},
		"R": {"http://127.0.0.1:" + rem + path},
		"D": {"--proxy", "socks5h://127.0.0.1:" + d, "http://" + web + path},
	} {
		t.Run(name, func(t *testing.T) {
			got := filepath.Join(t.TempDir(), "got")
			start := time.Now()
			output(t, "curl", append([]string{"-sSf", "-o", got}, args...)...)
			t.Logf("%.0f MB/s", 256*1.048576/time.Since(start).Seconds())
			if hashOf(t, got) != hash {
				t.Error("the file differs")
			}
		})
	}

	base := "http://127.0.0.1:" + l
	t.Run("keep-alive", func(t *testing.T) {
		out := output(t, "curl", "-sS", "-w", "%{num_connects} ", base+"/proto", base+"/proto", base+"/proto")
		if out != "HTTP/1.11 HTTP/1.10 HTTP/1.10 " {
			t.Errorf("curl says %q", out)
		}
	})
	t.Run("chunked", func(t *testing.T) {
		out := output(t, "curl", "-sSf", "-H", "Transfer-Encoding: chunked", "--data-binary", strings.Repeat("x", 10_000), base+"/chunked")
		if out != strings.Repeat("x", 10_000)+"the end" {
			t.Errorf("curl says %d bytes", len(out))
		}
	})
	t.Run("HTTP/2", func(t *testing.T) {
		if out := output(t, "curl", "-sSf", "--http2-prior-knowledge", base+"/proto"); out != "HTTP/2.0" {
			t.Errorf("curl says %q", out)
		}
	})
	t.Run("wrk", func(t *testing.T) {
		need(t, "wrk")
		out := output(t, "wrk", "-c", "50", "-t", "2", "-d", "5s", base+"/proto")
		t.Log(out)
		if !strings.Contains(out, "Requests/sec") || strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
			t.Errorf("wrk says\n%s", out)
		}
	})
}

// TestIdleWebSocket leaves a WebSocket alone for a minute.
func TestIdleWebSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	port := unused(t)
	r.listen("--to", webServer(t, t.TempDir()))
	r.forward("-L", port)
	conn, _, err := websocket.DefaultDialer.Dial("ws://127.0.0.1:"+port+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, idle := range []time.Duration{0, time.Minute} {
		<-time.After(idle)
		if err := conn.WriteMessage(websocket.TextMessage, []byte("still there?")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.ReadMessage(); err != nil || string(got) != "still there?" {
			t.Fatalf("read %q, %v", got, err)
		}
	}
}

// TestListenRestart kills listen and starts it again: what comes then works, as
// soon as the session of before is known to have ended. When that is, tests in
// virtual time say.
func TestListenRestart(t *testing.T) {
	need(t, "curl")
	r := newRig(t)
	port := unused(t)
	web := webServer(t, t.TempDir())
	listen := r.listen("--to", web)
	r.forward("-L", port)
	fetch := func() {
		t.Helper()
		start := time.Now()
		if out := output(t, "curl", "-sSf", "--max-time", "20", "http://127.0.0.1:"+port+"/proto"); out != "HTTP/1.1" {
			t.Errorf("curl says %q", out)
		}
		t.Logf("%.1f s", time.Since(start).Seconds())
	}
	fetch()
	listen.kill()
	r.listen("--to", web)
	fetch()
}

// TestBrokerRestart restarts the broker in the middle of a download.
func TestBrokerRestart(t *testing.T) {
	need(t, "curl")
	r := newRig(t)
	file, hash := randomFile(t, 100<<20)
	port := unused(t)
	r.listen("--to", webServer(t, filepath.Dir(file)))
	r.forward("-L", port)
	got := filepath.Join(t.TempDir(), "got")
	p := launch(t, "curl", "-sSf", "--limit-rate", "40M", "-o", got, fmt.Sprintf("http://127.0.0.1:%s/%s", port, filepath.Base(file)))
	ok := eventually(func() bool {
		info, err := os.Stat(got)
		return err == nil && info.Size() > 10<<20
	})
	if !ok {
		t.Fatal("the download does not get going")
	}
	r.broker.Restart()
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if hashOf(t, got) != hash {
		t.Error("the file differs")
	}
}
