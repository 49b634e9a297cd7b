// Package leaktest fails tests for what gets out: goroutines that outlive a
// package's tests, and secrets that are printed. Nothing but tests imports it.
package leaktest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines may take to end after the last test. It
// exceeds every bound on what a Close leaves to the background, 30 s, so that
// only what never ends is reported.
const patience = 40 * time.Second

// announce is when Main says that it waits, so that nobody wonders.
const announce = time.Second

// Main runs the tests of a package and ends the process. It is to be called by
// TestMain:
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
//
// If all tests pass and goroutines are left that were not there before, it
// waits for them to end, then prints the stacks of the rest and fails.
func Main(m *testing.M) {
	before := stacks()
	code := m.Run()
	// The fuzzing engine keeps goroutines of its own.
	if code == 0 && !fuzzing() && !ended(before, patience) {
		code = 1
	}
	os.Exit(code)
}

func fuzzing() bool {
	pattern := flag.Lookup("test.fuzz")
	return pattern != nil && pattern.Value.String() != ""
}

// ended waits until no goroutine is left that is not in before. If that takes
// longer than limit it prints them and returns false.
func ended(before map[string]string, limit time.Duration) bool {
	start := time.Now()
	announced := false
	tick := time.NewTicker(5 * time.Millisecond) // nothing announces the end of a goroutine
	defer tick.Stop()
	for {
		left := added(before, stacks())
		switch passed := time.Since(start); {
		case len(left) == 0:
			return true
		case passed > limit:
			fmt.Fprintf(os.Stderr, "leaktest: %d goroutines outlive the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			return false
		case passed > announce && !announced:
			fmt.Fprintf(os.Stderr, "leaktest: waiting for %d goroutines to end, the first of them:\n\n%s\n", len(left), left[0])
			announced = true
		}
		<-tick.C
	}
}

// added returns the stacks of the goroutines that are in after only.
func added(before, after map[string]string) []string {
	var left []string
	for id, stack := range after {
		if _, ok := before[id]; !ok && !library(stack) {
			left = append(left, stack)
		}
	}
	return left
}

// library recognizes the goroutines that the standard library starts once for
// the whole process and never ends.
func library(stack string) bool { return strings.Contains(stack, "os/signal.loop") }

// stacks returns the stack of every goroutine by its id, which is never used
// twice in a process.
func stacks() map[string]string {
	buffer := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buffer, true)
		if n < len(buffer) {
			buffer = buffer[:n]
			break
		}
		buffer = make([]byte, 2*len(buffer))
	}
	byID := make(map[string]string)
	for stack := range strings.SplitSeq(strings.TrimSpace(string(buffer)), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		byID[id] = stack
	}
	return byID
}
