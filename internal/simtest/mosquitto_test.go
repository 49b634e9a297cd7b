package simtest

import (
	"fmt"
	"net"
	"testing"
)

// TestMosquittoStaysOnLoopback takes the ports of Mosquitto's listeners on
// another loopback address: one that listens everywhere leaves none.
func TestMosquittoStaysOnLoopback(t *testing.T) {
	if probe, err := net.Listen("tcp", "127.0.0.2:0"); err != nil {
		t.Skipf("no other loopback address to try: %v", err)
	} else {
		probe.Close()
	}
	webSocket := freePort(t)
	for _, port := range []int{Mosquitto(t, MosquittoWebSocket(webSocket)).Port, webSocket} {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
		if err != nil {
			t.Errorf("port %d is taken everywhere: %v", port, err)
			continue
		}
		listener.Close()
	}
}
