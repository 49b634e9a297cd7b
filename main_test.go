package mqtte2e

import (
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
