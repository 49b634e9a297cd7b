package server

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

var upload = tunnel.Request{Kind: tunnel.Upload}

// TestOthersFindRoom has one holder of a key make all the sessions that it can, and
// as many streams in each, and then somebody with another key come.
func TestOthersFindRoom(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		other := mqtte2e.NewKey()
		w.sessions, w.streams = 20, 60
		w.listen(target.Policy{}, w.key, other)
		holder := w.process()
		streams := 0
		for range 3 * w.sessions {
			session := holder.session(t)
			for range 10 {
				if stream, err := session.Open(t.Context()); err == nil {
					defer stream.Close()
					if upload.Write(stream) == nil {
						if reply, err := tunnel.ReadReply(stream); err == nil && reply.Code == tunnel.OK {
							streams++
						}
					}
				}
			}
		}
		if streams > w.streams || streams < w.streams/2 {
			t.Errorf("one holder has %d streams, and may have %d", streams, w.streams)
		}
		w.key = other
		start := time.Now()
		if _, err := tunnel.OpenStream(t.Context(), w.process().session(t), upload); err != nil {
			t.Errorf("another key: %v", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("another key needs %v", took)
		}
	})
}

// TestFullListenerSaysSo has a client that keeps a session come to a listener that
// has as many as it takes, until another one ends.
func TestFullListenerSaysSo(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.sessions = 2
		listener := w.listen(target.Policy{})
		first := w.process().session(t)
		w.process().session(t)
		simtest.Wait() // both are there
		late, client := w.forward()
		for range 9 { // the others end when they had no stream for ten minutes
			time.Sleep(time.Minute)
			if _, err := client.Open(t.Context(), upload); !errors.Is(err, mqtte2e.ErrRefused) || !strings.Contains(err.Error(), "--max-sessions") {
				t.Fatalf("a stream: %v", err)
			}
		}
		for what, p := range map[string]*process{"refused the session: it has as many": late, "--max-sessions and --max-streams": listener} {
			if n := p.log.count(what); n != 1 {
				t.Errorf("%q stands %d times in: %s", what, n, &p.log.b)
			}
		}
		if n := late.log.count("the session ended"); n > 10*60/2 {
			t.Errorf("it tries %d times in ten minutes", n)
		}
		first.Close()
		time.Sleep(time.Minute)
		if _, err := client.Open(t.Context(), upload); err != nil {
			t.Errorf("once there is room: %v", err)
		}
	})
}

// TestRefusedStreamSaysSo has a client open more streams than it may.
func TestRefusedStreamSaysSo(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.streams = 1
		w.listen(target.Policy{})
		_, client := w.forward()
		first, err := client.Open(t.Context(), upload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Open(t.Context(), upload); !errors.Is(err, mqtte2e.ErrRefused) || !strings.Contains(err.Error(), "--max-streams") {
			t.Errorf("a second stream: %v", err)
		}
		first.Close()
		time.Sleep(time.Second)
		if _, err := client.Open(t.Context(), upload); err != nil {
			t.Errorf("after the first: %v", err)
		}
	})
}

// TestIdleSessionIsReplacedQuietly has a client that keeps a session of which it
// makes no use.
func TestIdleSessionIsReplacedQuietly(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(target.Policy{})
		p, client := w.forward()
		time.Sleep(3 * time.Hour)
		if p.log.has("WARN") || !p.log.has("the listener ended the session; connecting again") {
			t.Errorf("it says: %s", &p.log.b)
		}
		if _, err := client.Open(t.Context(), upload); err != nil {
			t.Error(err)
		}
	})
}

// TestPlainConnsAreBounded dials Conns that carry no session.
func TestPlainConnsAreBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.sessions = 1
		w.listen(policy(t, "127.0.0.1:1"))
		w.process().session(t)
		conn, err := w.process().endpoint.Dial(t.Context(), "box")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a Conn without a session is served, though there are enough")
		}
	})
}

func TestLimitsFollowTheDescriptors(t *testing.T) {
	s := New(everyone(target.Policy{}), false, new(process).logger())
	for _, limits := range [][2]int{{-1, 0}, {0, -1}, {0, math.MaxInt32}} {
		if err := s.Limit(limits[0], limits[1]); err == nil && (limits[1] < 0 || limits[0] < 0 || descriptors() < math.MaxInt32) {
			t.Errorf("%d sessions and %d streams are no error", limits[0], limits[1])
		}
	}
	if err := s.Limit(0, 0); err != nil || s.limits.MaxSessions != maxSessions || s.limits.MaxStreams < 1 || s.limits.MaxStreams > maxStreams {
		t.Errorf("unless told otherwise: %v, %d sessions, %d streams", err, s.limits.MaxSessions, s.limits.MaxStreams)
	}
}
