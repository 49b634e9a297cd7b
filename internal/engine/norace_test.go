//go:build !race

package engine

// slower divides the size of tests that take long with the race detector.
const slower = 1
