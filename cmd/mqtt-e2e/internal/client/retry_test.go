package client

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

var (
	errPassing = errors.New("it may pass")
	errFinal   = errors.New("it will not pass")
)

// TestRetry fails for a while, until the context ends, and for good.
func TestRetry(t *testing.T) {
	for _, test := range []struct {
		results  []error // the last one for ever
		attempts int     // at least
		want     error
		within   time.Duration
		told     int // times
	}{
		{[]error{nil}, 1, nil, 0, 0},
		{[]error{errPassing, errPassing, errPassing, nil}, 4, nil, 2 * time.Second, 1},
		{[]error{errPassing, errFinal}, 2, errFinal, time.Second, 1},
		{[]error{errPassing}, 12, errPassing, time.Minute, 1},
	} {
		simtest.Run(t, func(t *testing.T) {
			var log strings.Builder
			status := ui.NewStatus(slog.New(slog.NewTextHandler(&log, nil)))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start, attempts := time.Now(), 0
			err := Retry(ctx, status, func() string { return "waiting" }, "for a minute", func(err error) bool { return err == errFinal }, func(context.Context) error {
				attempts++
				return test.results[min(attempts, len(test.results))-1]
			})
			if took := time.Since(start); err != test.want || attempts < test.attempts || took > test.within {
				t.Errorf("%v: %d attempts and %v after %v", test.results, attempts, err, took)
			}
			simtest.Wait()
			if told := strings.Count(log.String(), "it may pass; trying again, for a minute"); told != test.told || strings.Contains(log.String(), "waiting") {
				t.Errorf("%v: it says\n%s", test.results, &log)
			}
		})
	}
}

// TestRetrySaysWhatItWaitsFor has an attempt that takes long.
func TestRetrySaysWhatItWaitsFor(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var log strings.Builder
		status := ui.NewStatus(slog.New(slog.NewTextHandler(&log, nil)))
		err := Retry(t.Context(), status, func() string { return "waiting for the listener" }, "", IsHopeless, func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		})
		simtest.Wait()
		if err != nil || strings.Count(log.String(), "waiting for the listener") != 1 {
			t.Errorf("it ends with %v, and says\n%s", err, &log)
		}
	})
}
