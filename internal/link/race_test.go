package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// swallowed waits as an attempt does whose packets nobody answers.
func swallowed(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A network that swallows everything for a minute is noticed an attempt after it works again, and what came of other attempts is
// discarded.
func TestRaceTriesAgain(t *testing.T) {
	for _, n := range []int{1, 3} {
		simtest.Run(t, func(t *testing.T) {
			start := time.Now()
			var attempts, kept, running, most atomic.Int32
			try := func(ctx context.Context, candidate int) (int, error) {
				attempts.Add(1)
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				if time.Since(start) < time.Minute { // a SYN that is lost, and not repeated soon
					return 0, swallowed(ctx)
				}
				kept.Add(1)
				return candidate, nil
			}
			if _, err := race(t.Context(), n, try, func(int) { kept.Add(-1) }); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(start) - time.Minute; late > racePause {
				t.Errorf("%d candidates: late by %v", n, late)
			}
			if want := int32(time.Minute/racePause) + 2; attempts.Load() > want {
				t.Errorf("%d candidates: %d attempts, want at most %d", n, attempts.Load(), want)
			}
			simtest.Wait()
			if kept.Load() != 1 || running.Load() != 0 || most.Load() > int32(n)+5 {
				t.Errorf("%d candidates: %d kept, %d still running, %d at once", n, kept.Load(), running.Load(), most.Load())
			}
		})
	}
}

// A loser that succeeds after all is discarded.
func TestRaceDiscardsTheSlower(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		discarded := make(chan int, 10)
		try := func(_ context.Context, candidate int) (int, error) {
			time.Sleep([]time.Duration{time.Second, 600 * time.Millisecond}[candidate])
			return candidate, nil
		}
		start := time.Now()
		winner, err := race(t.Context(), 2, try, func(candidate int) { discarded <- candidate })
		if took := time.Since(start); winner != 1 || err != nil || took != racePause+600*time.Millisecond {
			t.Errorf("the winner is %d, %v, after %v", winner, err, took)
		}
		time.Sleep(time.Minute)
		if n := len(discarded); n != 3 { // begun after 0, 500 and 750 ms
			t.Errorf("%d are discarded", n)
		}
	})
}

// The order and the times of attempts with candidates that are swallowed, slow to fail, and refused at once.
func TestRaceGoesRound(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		start := time.Now()
		try := func(ctx context.Context, candidate int) (int, error) {
			mu.Lock()
			got = append(got, fmt.Sprint(candidate, " ", time.Since(start).Milliseconds()))
			mu.Unlock()
			switch candidate {
			case 1:
				time.Sleep(100 * time.Millisecond)
				return 0, errors.New("no route")
			case 2:
				return 0, errors.New("refused")
			}
			return 0, swallowed(ctx)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
		defer cancel()
		_, err := race(ctx, 4, try, func(int) {})
		simtest.Wait()
		want := []string{"0 0", "1 250", "2 350", "3 350", "0 600", "3 850", "0 1100"}
		if !slices.Equal(got[:len(want)], want) { // the end of the context is not of interest
			t.Errorf("candidates and ms: %q, want %q", got, want)
		}
		if want := "context deadline exceeded; no route; refused"; err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	})
}

// The first attempt lasts as long as its context, and its error is what is told.
func TestRaceTakesTheFirstAnswer(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		refused := errors.New("refused")
		var calls atomic.Int32
		try := func(ctx context.Context, _ int) (int, error) {
			if calls.Add(1) > 1 {
				return 0, swallowed(ctx)
			}
			time.Sleep(10 * time.Second)
			return 0, refused
		}
		if _, err := race(t.Context(), 1, try, func(int) {}); err != refused {
			t.Errorf("the error is %v", err)
		}
	})
}
