package wsconn

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// pair returns a Conn and the other end of its WebSocket connection.
func pair(t *testing.T, onPing func()) (*Conn, *websocket.Conn) {
	t.Helper()
	accepted := make(chan *websocket.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil); err == nil {
			accepted <- ws
		}
	}))
	t.Cleanup(server.Close)
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, peer := New(ws, onPing), <-accepted
	t.Cleanup(func() { conn.Close(); peer.Close() })
	return conn, peer
}

var messageSizes = []int{1, 0, 5000, 0, 0, 1 << 20, 3}

func TestMessageBordersMeanNothing(t *testing.T) {
	conn, peer := pair(t, nil)
	var want []byte
	go func() {
		for _, size := range messageSizes {
			peer.WriteMessage(websocket.BinaryMessage, bytes.Repeat([]byte{byte(size)}, size))
		}
	}()
	for _, size := range messageSizes {
		want = append(want, bytes.Repeat([]byte{byte(size)}, size)...)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes that differ, %v", len(got), err)
	}
}

func TestPingIsAnsweredWithTheNextWrite(t *testing.T) {
	pinged := make(chan struct{}, 1)
	conn, peer := pair(t, func() { pinged <- struct{}{} })
	go io.Copy(io.Discard, conn)
	var pong string
	peer.SetPongHandler(func(data string) error { pong = data; return nil })
	peer.WriteMessage(websocket.PingMessage, []byte("are you there"))
	<-pinged
	conn.Write([]byte("data"))
	kind, message, err := peer.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage || string(message) != "data" || pong != "are you there" {
		t.Errorf("read %d %q, %v, after pong %q", kind, message, err, pong)
	}
}

func TestTextMessageIsAnError(t *testing.T) {
	conn, peer := pair(t, nil)
	peer.WriteMessage(websocket.TextMessage, []byte("hello"))
	if n, err := conn.Read(make([]byte, 10)); n != 0 || err == nil {
		t.Errorf("Read: %d, %v", n, err)
	}
}

func TestCloseFrameEndsReadingWithoutAWrite(t *testing.T) {
	conn, peer := pair(t, nil)
	peer.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	if _, err := conn.Read(make([]byte, 10)); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("Read: %v", err)
	}
	conn.Close()
	if _, _, err := peer.ReadMessage(); websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("a close frame was written: %v", err)
	}
}
