package e2etest

import (
	"os"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
)

// TestMain also is where a process that a test starts begins (see child).
func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(childRole); ok {
		os.Exit(children[role]())
	}
	leaktest.Main(m)
}
