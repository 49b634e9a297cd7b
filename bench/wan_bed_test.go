package main

import (
	"os"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// TestMain makes the test binary what bench starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == roleArgument {
		exit(runRole())
	}
	os.Exit(m.Run())
}

// TestBed measures every way once over emulated links, for a moment: that data arrive and an echo comes back, and that nothing is
// left when it is closed.
func TestBed(t *testing.T) {
	if err := wan.Available(); err != nil {
		t.Skip(err)
	}
	if _, err := findMosquitto(); err != nil {
		t.Skip(err)
	}
	l := link(20, 5*time.Millisecond)
	b, err := newBed(t.Context(), "", l, l)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	pairs := map[string]pair{"TCP straight": straight()}
	for way := range wanWays {
		if way != "tcp" {
			pairs[way] = throughBroker(way)
		}
	}
	for name, p := range pairs {
		o, err := b.measure(p, 2, true, 500*time.Millisecond)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range o.Arrived {
			if len(o.Arrived[i]) == 0 {
				t.Errorf("%s: nothing arrived on stream %d", name, i)
			}
		}
	}
	last, err := b.act(b.A, wanSpec{Role: "far", Way: "tcp", Address: ":1"})
	if err != nil {
		t.Fatal(err)
	}
	b.close()
	if err := last.process.Wait(); err == nil {
		t.Error("a process outlives its network")
	}
	if err := b.A.Start(last.process); err == nil {
		t.Error("a process starts in a network that is closed")
	}
}
