//go:build !race

// Package race tells tests whether the race detector watches them. It makes every step take ten times as long, and pools
// forget. Nothing but tests imports it.
package race

// Enabled tells that the race detector watches.
const Enabled = false
