package main

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
)

// TestMain also is where the processes begin that the tests start.
func TestMain(m *testing.M) {
	runRole()
	leaktest.Main(m)
}

// mustNotSkip is the environment variable that, if not empty, makes the absence of a broker a failure.
const mustNotSkip = "MQTTE2E_MUST_NOT_SKIP"

// TestBrokers starts all brokers at once, and checks them one after the other, so that they are idle at the same time.
func TestBrokers(t *testing.T) {
	dir := t.TempDir()
	brokers, errs := make([]*broker, len(kinds)), make([]error, len(kinds))
	var starting sync.WaitGroup
	for i, k := range kinds {
		starting.Go(func() { brokers[i], errs[i] = k.open(dir) })
	}
	starting.Wait()
	trials := make([][]*trial, len(kinds))
	for i, b := range brokers {
		if b != nil {
			t.Cleanup(b.stop)
			trials[i] = newTrials(t, kinds[i], b)
		}
	}
	for _, part := range []struct {
		name string
		list []check
	}{{"", checks}, {", idle", idlenesses}, {", killed", outages}} {
		for i, k := range kinds {
			t.Run(k.name+part.name, func(t *testing.T) {
				skip(t, errs[i])
				for _, trial := range trials[i] {
					testAll(t, trial, part.list)
				}
			})
		}
	}
}

// skip skips the test of a broker that is not installed, or else fails if there is an error.
func skip(t *testing.T, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errMissing) && os.Getenv(mustNotSkip) == "":
		t.Skip(err)
	case errors.Is(err, errMissing):
		t.Fatalf("%v, and %s is set", err, mustNotSkip)
	case err != nil:
		t.Fatal(err)
	}
}

func newTrials(t *testing.T, k kind, b *broker) (list []*trial) {
	for _, w := range b.ways {
		s := short
		if testing.Short() {
			s.idle = 0
		}
		trial, err := newTrial(t.Context(), k, b, w, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(trial.close)
		list = append(list, trial)
	}
	return list
}

func testAll(t *testing.T, trial *trial, list []check) {
	for _, c := range list {
		t.Run(trial.way.name+" "+c.name, func(t *testing.T) {
			if err := c.run(trial, t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestServices checks that what arrives is right whatever a service does. How much that is only the program says, which takes longer.
func TestServices(t *testing.T) {
	b, err := kinds[0].open(t.TempDir())
	skip(t, err)
	defer b.stop()
	outcomes, errs := make([]outcome, len(services)), make([]error, len(services))
	var all sync.WaitGroup
	for i, s := range services {
		all.Go(func() { outcomes[i], errs[i] = s.try(t.Context(), b.nodes[0].listens[0], shortPhases) })
	}
	all.Wait()
	for i, s := range services {
		if errs[i] != nil {
			t.Errorf("%s: %v", s.name, errs[i])
		}
		if names := s.rules.Subscriptions - 1; names > 0 && outcomes[i].names != names {
			t.Errorf("%s: a listener can have %d names, not %d: %v", s.name, outcomes[i].names, names, outcomes[i].refusal)
		}
	}
}

func TestTable(t *testing.T) {
	small := table{marker: "<!-- small", header: []string{"a", "b"}}
	text := "before\n<!-- small: written -->\nold text\n| a | b |\n| --- | --- |\n| x | 1 |\n| y | 2 |\n<!-- small ends -->\nafter\n"
	got, err := small.update(text, [][]string{{"y", "3"}, {"z", "4"}})
	want := "before\n<!-- small: written -->\n\n| a | b |\n| --- | --- |\n| x | 1 |\n| y | 3 |\n| z | 4 |\n\n<!-- small ends -->\nafter\n"
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"", "<!-- small\n"} {
		if _, err := small.update(text, nil); err == nil {
			t.Errorf("%q has a table", text)
		}
	}
}
