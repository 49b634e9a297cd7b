package main

import (
	"strings"
	"testing"
)

func TestBoth(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), "", "", &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Hello, world, from the other side") || !strings.Contains(out.String(), "event 3") {
		t.Errorf("the output is\n%s", &out)
	}
}
