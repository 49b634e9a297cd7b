//go:build !race

package mqtte2e_test

const underRace = false
