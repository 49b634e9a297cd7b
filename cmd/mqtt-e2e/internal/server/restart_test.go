package server

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// opened is what a client says whose port is open.
const opened = "the other side opened the port"

func remote(t *testing.T) target.Remote {
	t.Helper()
	remote, err := target.ParseRemote("9000:127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// TestRestartedClientGetsItsPortBack has a client that loses its power and comes
// back as another process, while nothing was heard or asked of it for a while.
func TestRestartedClientGetsItsPortBack(t *testing.T) {
	for _, idle := range []time.Duration{0, 10 * time.Second, 39 * time.Second, 10 * time.Minute} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t)
			port := remote(t)
			w.listen(target.Policy{Remote: []target.Port{port.Bind}})
			first, _ := w.forward(port)
			time.Sleep(time.Second + idle)
			if !first.log.has(opened) {
				t.Fatalf("the port is not open: %s", &first.log.b)
			}
			first.crash()
			second, _ := w.forward(port)
			time.Sleep(11 * time.Second)
			if !second.log.has(opened) {
				t.Errorf("after %v of silence it does not get its port back: %s", idle, &second.log.b)
			}
		})
	}
}

// TestLiveClientKeepsItsPort has another client ask for the port all the time,
// while nobody uses it.
func TestLiveClientKeepsItsPort(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		port := remote(t)
		w.listen(target.Policy{Remote: []target.Port{port.Bind}})
		first, _ := w.forward(port)
		time.Sleep(time.Second)
		second, _ := w.forward(port)
		time.Sleep(10 * time.Minute)
		if !second.log.has("is in use by peer-") || second.log.has(opened) {
			t.Errorf("the second client says: %s", &second.log.b)
		}
		if first.log.has("WARN") {
			t.Errorf("the first client says: %s", &first.log.b)
		}
	})
}

// TestRestartedListenerIsFound has a listener that is restarted while a client
// has an idle session with it: what is asked then is answered within 10 s.
func TestRestartedListenerIsFound(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		before := w.listen(target.Policy{})
		_, client := w.forward()
		time.Sleep(5 * time.Second)
		before.crash()
		w.listen(target.Policy{})
		start := time.Now()
		stream, err := client.Open(t.Context(), tunnel.Request{Kind: tunnel.Upload})
		if took := time.Since(start); err != nil || took > 10*time.Second {
			t.Fatalf("it took %v, %v", took, err)
		}
		stream.Close()
	})
}
