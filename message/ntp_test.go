package message

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// fakeNTP answers each query over UDP with what answer makes of a good reply, and returns its address.
func fakeNTP(t *testing.T, answer func(reply []byte)) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		query := make([]byte, 1024)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			reply := ntpReply(query)
			answer(reply)
			conn.WriteTo(reply, from)
		}
	}()
	return conn.LocalAddr().String()
}

// ntpReply is the answer of a server that is an hour ahead of this machine (RFC 5905 section 7.3).
func ntpReply(query []byte) []byte {
	reply := make([]byte, 48)
	reply[0] = 4<<3 | 4 // version 4, server
	reply[1] = 2        // stratum
	now := ntpTime(time.Now().Add(time.Hour))
	binary.BigEndian.PutUint64(reply[16:], now-1<<32) // the server's clock was set a second ago
	copy(reply[24:32], query[40:48])                  // origin: the query's transmit time
	binary.BigEndian.PutUint64(reply[32:], now)       // received
	binary.BigEndian.PutUint64(reply[40:], now)       // transmitted
	return reply
}

// ntpTime counts from 1900, in units of 2^-32 s.
func ntpTime(t time.Time) uint64 {
	const from1900to1970 = 2_208_988_800
	return uint64(t.Unix()+from1900to1970)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}

func TestNTPOverUDP(t *testing.T) {
	clock := &NTP{Server: fakeNTP(t, func([]byte) {})}
	if off := time.Until(clock.Now()); off.Abs() > time.Minute {
		t.Errorf("before Start, off by %v", off)
	}
	if err := clock.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer clock.Close()
	// A query that took longer than ntpTimeout would have failed, so its error is below that.
	if off := time.Until(clock.Now()); (off - time.Hour).Abs() > ntpTimeout {
		t.Errorf("off by %v, want an hour", off)
	}
	receiver := &Codec{Key: testKey, Now: func() time.Time { return time.Now().Add(time.Hour) }}
	if _, err := receiver.Open(mustSeal(t, &Codec{Key: testKey, Now: clock.Now}, "ping")); err != nil {
		t.Errorf("sealed with the corrected clock: %v", err)
	}
	if err := clock.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
}

// TestNTPRefuses: an answer that is not to be believed is an error.
func TestNTPRefuses(t *testing.T) {
	for name, spoil := range map[string]func(reply []byte){
		"kiss of death":        func(reply []byte) { reply[1] = 0 },
		"not synchronized":     func(reply []byte) { reply[0] |= 3 << 6 },
		"not for our query":    func(reply []byte) { reply[24]++ },
		"not a server":         func(reply []byte) { reply[0] = 4<<3 | 3 },
		"too far from a clock": func(reply []byte) { reply[8] = 0xff },
	} {
		server := fakeNTP(t, spoil)
		if offset, err := queryNTP(t.Context(), server); err == nil {
			t.Errorf("%s: believed, offset %v", name, offset)
		}
	}
}

// TestNTPGivesUp: Start's error is that of its context and of the query.
func TestNTPGivesUp(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		silent := errors.New("silent")
		queries := 0
		clock := &NTP{query: func(context.Context, string) (time.Duration, error) {
			queries++
			return 0, silent
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := clock.Start(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, silent) {
			t.Errorf("Start: %v", err)
		}
		if queries != 4 {
			t.Errorf("%d queries in a minute, want one every 16 s", queries)
		}
		if err := clock.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNTPRefreshes(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var asked []time.Duration // when, since the start
		began := time.Now()
		clock := &NTP{Server: "time.test", query: func(_ context.Context, server string) (time.Duration, error) {
			asked = append(asked, time.Since(began))
			if n := len(asked); n == 1 || n == 3 {
				return 0, errors.New("silent")
			}
			return time.Duration(len(asked)) * time.Minute, nil
		}}
		if err := clock.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantOffset := func(want time.Duration) {
			t.Helper()
			if got := clock.Now(); !got.Equal(time.Now().Add(want)) {
				t.Errorf("%v after the start, off by %v, want %v", time.Since(began), time.Until(got), want)
			}
		}
		wantOffset(2 * time.Minute)
		pause(t.Context(), 90*time.Minute, nil)
		simtest.Wait()
		wantOffset(4 * time.Minute)
		clock.Close()
		pause(t.Context(), 24*time.Hour, nil)
		wantOffset(4 * time.Minute)
		want := []time.Duration{0, ntpPause, ntpPause + ntpRefresh, 2*ntpPause + ntpRefresh}
		if len(asked) != len(want) {
			t.Fatalf("asked at %v, want %v", asked, want)
		}
		for i := range want {
			if asked[i] != want[i] {
				t.Errorf("asked at %v, want %v", asked, want)
			}
		}
	})
}

// TestNTPAfterJump: a system clock that was set makes it ask again, after a pause, and the time goes on undisturbed until then.
func TestNTPAfterJump(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		queries := 0
		clock := &NTP{query: func(context.Context, string) (time.Duration, error) {
			queries++
			return 0, nil
		}}
		if err := clock.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer clock.Close()
		pause(t.Context(), 2*ntpPause, nil)
		clock.Now()
		simtest.Wait()
		if queries != 1 {
			t.Errorf("%d queries before the jump, want 1", queries)
		}
		// As if the system's clock had been set ahead by an hour since.
		fix := *clock.fix.Load()
		fix.wall, fix.offset = fix.wall.Add(-time.Hour), time.Hour
		clock.fix.Store(&fix)
		if now := time.Now(); !clock.Now().Equal(now) {
			t.Errorf("the time became %v, want %v", clock.Now(), now)
		}
		simtest.Wait()
		pause(t.Context(), time.Second, nil)
		if queries != 2 {
			t.Errorf("%d queries, want a second one after the jump", queries)
		}
	})
}
