package message

import (
	"bytes"
	"cmp"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func TestReplayAndReflection(t *testing.T) {
	sender, receiver, _ := pair()
	first, second := mustSeal(t, sender, "on"), mustSeal(t, sender, "off")
	for _, packet := range [][]byte{second, first} {
		if _, err := receiver.Open(packet); err != nil {
			t.Errorf("out of order: %v", err)
		}
		wantError(t, receiver, packet, ErrReplay)
		wantError(t, sender, packet, ErrReplay)
	}
	wantError(t, receiver, second, ErrReplay)
}

func TestWindowEdges(t *testing.T) {
	for _, window := range []time.Duration{0, time.Nanosecond, 3 * time.Second, 1000 * time.Hour} {
		width := cmp.Or(window, 10*time.Second)
		for _, test := range []struct {
			off    time.Duration
			inside bool
		}{{-width - 1, false}, {-width, true}, {0, true}, {width, true}, {width + 1, false}} {
			receiver := &Codec{Key: testKey, TimeWindow: window, Now: func() time.Time { return testTime }}
			sender := &Codec{Key: testKey, Now: func() time.Time { return testTime.Add(test.off) }}
			packet := mustSeal(t, sender, "ping")
			_, err := receiver.Open(packet)
			if (err == nil) != test.inside {
				t.Errorf("window %v, off by %v: %v", width, test.off, err)
			}
			var off *TimeError
			if errors.As(err, &off) && (off.Offset != test.off || off.Window != width || !errors.Is(err, ErrTime)) {
				t.Errorf("off by %v, window %v, told as %+v", test.off, width, off)
			}
			if test.inside {
				wantError(t, receiver, packet, ErrReplay)
			}
		}
	}
}

// TestReplayAtTheEdge repeats a packet for as long as it is within the window.
func TestReplayAtTheEdge(t *testing.T) {
	sender, receiver, clock := pair()
	sent := clock.Time
	packet := mustSeal(t, sender, "ping")
	clock.Time = sent.Add(-10 * time.Second)
	if _, err := receiver.Open(packet); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{-10 * time.Second, 0, 10 * time.Second} {
		clock.Time = sent.Add(at)
		wantError(t, receiver, packet, ErrReplay)
	}
	clock.Time = sent.Add(10*time.Second + 1)
	wantError(t, receiver, packet, ErrTime)
}

// TestRestart: a Codec that replaces another takes once more what the other has accepted, within two windows, and what it has sealed.
func TestRestart(t *testing.T) {
	sender, before, clock := pair()
	sent := clock.Time
	packet, own := mustSeal(t, sender, "open the door"), mustSeal(t, before, "status")
	clock.Time = sent.Add(-10 * time.Second)
	if _, err := before.Open(packet); err != nil {
		t.Fatal(err)
	}
	clock.Time = sent.Add(10 * time.Second)
	for _, accepted := range [][]byte{packet, own} {
		wantError(t, before, accepted, ErrReplay)
		after := &Codec{Key: testKey, Now: clock.Now}
		if _, err := after.Open(accepted); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		wantError(t, after, accepted, ErrReplay)
	}
	clock.Time = clock.Add(1 * time.Microsecond)
	wantError(t, &Codec{Key: testKey, Now: clock.Now}, packet, ErrTime)
}

// TestClockSetBack: what left the window stays refused when a clock that is set back brings it into the window again.
func TestClockSetBack(t *testing.T) {
	sender, receiver, clock := pair()
	sent := clock.Time
	packet := mustSeal(t, sender, "ping")
	if _, err := receiver.Open(packet); err != nil {
		t.Fatal(err)
	}
	clock.Time = sent.Add(time.Hour)
	if _, err := receiver.Open(mustSeal(t, sender, "later")); err != nil {
		t.Fatal(err)
	}
	clock.Time = sent
	wantError(t, receiver, packet, ErrReplay)
	if _, err := receiver.Open(mustSeal(t, &Codec{Key: testKey, Now: func() time.Time { return sent.Add(1) }}, "new")); err != nil {
		t.Errorf("a new packet after the clock was set back: %v", err)
	}
}

// TestSealedTimeNeverGoesBack seals under a clock that stands, jumps and is set back, from many goroutines.
func TestSealedTimeNeverGoesBack(t *testing.T) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	codec := &Codec{Key: testKey, Rand: bytes.NewReader(make([]byte, 4*4000)), Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return testTime.Add(time.Duration(random.IntN(5)-2) * time.Second)
	}}
	seen := make(map[string]bool)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			last := iv{}
			for range 1000 {
				packet := mustSeal(t, codec, "ping")
				if v := readIV(packet); v.time <= last.time {
					t.Errorf("time went from %d to %d", last.time, v.time)
				} else {
					last = v
				}
				mu.Lock()
				if seen[string(packet[:ivSize])] {
					t.Errorf("IV %x twice", packet[:ivSize])
				}
				seen[string(packet[:ivSize])] = true
				mu.Unlock()
			}
		})
	}
	workers.Wait()
}

// TestOneOfManyReplays opens one packet from many goroutines: one of them gets it.
func TestOneOfManyReplays(t *testing.T) {
	sender, receiver, _ := pair()
	packet := mustSeal(t, sender, "ping")
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			_, err := receiver.Open(packet)
			results <- err
		}()
	}
	opened := 0
	for range cap(results) {
		if err := <-results; err == nil {
			opened++
		} else if !errors.Is(err, ErrReplay) {
			t.Error(err)
		}
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
}
