//go:build race

package race

// Enabled tells that the race detector watches.
const Enabled = true
