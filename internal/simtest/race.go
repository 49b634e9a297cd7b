//go:build race

package simtest

// Race tells that the race detector watches.
const Race = true
