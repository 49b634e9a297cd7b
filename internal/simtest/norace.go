//go:build !race

package simtest

// Race tells that the race detector watches. It makes every step take ten times as long, and pools forget.
const Race = false
