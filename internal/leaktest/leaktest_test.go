package leaktest

import (
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestEnded(t *testing.T) {
	before := stacks()
	release, done := make(chan struct{}), make(chan struct{})
	go func() {
		<-release
		close(done)
	}()
	if left := added(before, stacks()); len(left) != 1 {
		t.Errorf("%d goroutines are new, want 1: %v", len(left), left)
	}
	if ended(before, 0) {
		t.Error("a goroutine that waits counts as ended")
	}
	close(release)
	<-done
	if !ended(before, time.Minute) {
		t.Error("a goroutine that ended is still counted")
	}
}
