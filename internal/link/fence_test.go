package link

import (
	"context"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// TestNothingIsPublishedRightBeforeSubscribe: the broker has answered a ping behind what was published before it reads
// SUBSCRIBE, and nothing was published in between.
func TestNothingIsPublishedRightBeforeSubscribe(t *testing.T) {
	hostile(t, func(t *testing.T, l *testLink, broker *script) {
		for range 3 {
			l.publish("theirs", "data")
			if first, _, err := broker.read(); first != packets.Publish<<4 || err != nil {
				t.Fatalf("read %#x, %v", first, err)
			}
		}
		subscribed := make(chan error, 1)
		go func() { subscribed <- l.Subscribe(context.Background(), "more", l.handle) }()
		if first, _, err := broker.read(); first != packets.Pingreq<<4 || err != nil {
			t.Fatalf("read %#x, %v, want PINGREQ", first, err)
		}
		l.publish("theirs", "held back")
		broker.send(packets.Pingresp<<4, 0)
		first, body, err := broker.read()
		if first != packets.Subscribe<<4|2 || err != nil {
			t.Fatalf("read %#x, %v, want SUBSCRIBE", first, err)
		}
		if first, _, err := broker.read(); first != packets.Publish<<4 || err != nil {
			t.Fatalf("read %#x, %v, want what was held back", first, err)
		}
		broker.send(0x90, 3, body[0], body[1], 0)
		if err := <-subscribed; err != nil {
			t.Error(err)
		}
	})
}

func TestFence(t *testing.T) {
	now := time.Now()
	var f fence
	want := func(what string, waits bool, pings, pongs uint64, wantAsk, wantHold bool) {
		t.Helper()
		if ask, hold := f.stands(now, waits, pings, pongs); ask != wantAsk || hold != wantHold {
			t.Errorf("%s: asks %v, holds %v", what, ask, hold)
		}
	}
	want("nothing was published", true, 0, 0, false, false)
	f.lastData = now
	want("nothing waits", false, 0, 0, false, false)
	now = now.Add(fencePeriod - 1)
	want("published lately", true, 4, 4, true, true)
	want("an older ping is answered", true, 5, 4, false, true)
	now = now.Add(time.Hour)
	want("not answered yet", true, 5, 4, false, true)
	want("answered", true, 5, 5, false, false)
	want("the next one", true, 5, 5, false, false)
	f.lastData = now
	now = now.Add(fencePeriod)
	want("published long ago", true, 5, 5, false, false)
}
