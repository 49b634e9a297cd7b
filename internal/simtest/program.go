package simtest

import (
	"os"
	"os/exec"
	"testing"
)

// mustNotSkip is the environment variable that, if not empty, makes the absence of a program a failure: where everything
// is said to be installed, a skipped test is a mistake.
const mustNotSkip = "MQTTE2E_MUST_NOT_SKIP"

// Program returns the path of an installed program. Where it is not installed the test is skipped, or fails if the
// environment variable MQTTE2E_MUST_NOT_SKIP is set.
func Program(tb testing.TB, name string) (path string) {
	tb.Helper()
	// Debian puts servers where only root's search path looks.
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv(mustNotSkip) != "" {
		tb.Fatalf("%s is not installed, and %s is set", name, mustNotSkip)
	}
	tb.Skipf("%s is not installed", name)
	return ""
}
