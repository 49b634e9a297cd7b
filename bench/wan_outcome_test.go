package main

import (
	"math"
	"testing"
	"time"
)

func TestGoodput(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	o := &outcome{length: 10 * time.Second}
	o.Start = start
	at := func(seconds float64) int64 { return start.Add(time.Duration(seconds * 1e9)).UnixNano() }
	o.Arrived = [][]sample{
		{{at(1), 1e6}, {at(2), 2e6}, {at(4), 4e6}, {at(12), 12e6}}, // a megabyte each second, seldom noted
		{{at(1), 1e6}, {at(5), 5e6}},                               // the same, but then it stalls
		{},
	}
	for i, want := range []float64{1, 2. / 7, 0} {
		if got := o.goodput(i); math.Abs(got-want) > 1e-9 {
			t.Errorf("stream %d: %g MB/s, want %g", i, got, want)
		}
	}
	if when, ok := o.delivered(0, 3e6); !ok || when.UnixNano() != at(4) {
		t.Errorf("3 MB are there at %v, %v", when, ok)
	}
	if _, ok := o.delivered(1, 6e6); ok {
		t.Error("what never came was delivered")
	}
}

func TestRowNames(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range wanRows() {
		if names[r.name] {
			t.Errorf("two rows are called %q", r.name)
		}
		names[r.name] = true
		if (r.matrix == nil) == (r.promises == nil) {
			t.Errorf("%s promises nothing, or in two ways", r.name)
		}
	}
}

func TestReplaceSection(t *testing.T) {
	first, second := "# Benchmark\n\none\n", wanHeading+"\n\ntwo\n"
	third := pathsHeading + "\n\nthree\n"
	both := first + "\n" + second
	for _, test := range []struct{ name, old, text, want string }{
		{"none yet", "", first, first},
		{"the second alone", "", second, second},
		{"the second added", first, second, both},
		{"the first added", second, first, both},
		{"the first replaced", "# Benchmark\n\nold\n\n" + second, first, both},
		{"the second put between", first + "\n" + third, second, both + "\n" + third},
		{"the third added", both, third, both + "\n" + third},
		{"the second replaced", first + "\n" + wanHeading + "\n\nold\n", second, both},
	} {
		if got := replaceSection(test.old, test.text); got != test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
