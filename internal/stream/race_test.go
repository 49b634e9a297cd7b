//go:build race

package stream

// underRace tells that every step takes ten times as long.
const underRace = true
