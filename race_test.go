//go:build race

package mqtte2e_test

// underRace tells that the race detector makes everything slow.
const underRace = true
