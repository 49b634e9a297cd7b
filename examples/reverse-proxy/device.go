package main

import (
	"io"
	"net/http"

	"github.com/gorilla/websocket"
)

const html = `<!doctype html>
<title>The device</title>
<h1>The device</h1>
<p>What you type comes back from it, over a WebSocket, over MQTT.</p>
<input autofocus> <output></output>
<script>
const socket = new WebSocket("ws://" + location.host + "/echo");
const [input] = document.getElementsByTagName("input");
input.oninput = () => socket.send(input.value);
socket.onmessage = (event) => document.querySelector("output").value = event.data;
</script>
`

// page is the web server of the device.
func page() http.Handler {
	handler := http.NewServeMux()
	handler.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, html)
	})
	handler.HandleFunc("GET /echo", echo)
	return handler
}

// echo returns every message of a WebSocket.
func echo(w http.ResponseWriter, r *http.Request) {
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
}
