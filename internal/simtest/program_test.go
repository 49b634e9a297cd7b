package simtest

import (
	"runtime"
	"testing"
)

// recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }

// lookFor calls Program in a test of its own.
func lookFor(t *testing.T, name string) (r *recorder, path string) {
	r = &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		path = Program(r, name)
	}()
	<-done
	return r, path
}

func TestProgram(t *testing.T) {
	t.Setenv(mustNotSkip, "")
	if r, path := lookFor(t, "go"); r.skipped || r.failed || path == "" {
		t.Errorf("go: skipped %t, failed %t, path %q", r.skipped, r.failed, path)
	}
	if r, _ := lookFor(t, "no-such-program"); !r.skipped || r.failed {
		t.Errorf("a missing program: skipped %t, failed %t", r.skipped, r.failed)
	}
	t.Setenv(mustNotSkip, "1")
	if r, _ := lookFor(t, "no-such-program"); r.skipped || !r.failed {
		t.Errorf("a missing program that must be there: skipped %t, failed %t", r.skipped, r.failed)
	}
}
