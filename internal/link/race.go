package link

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"
)

// racePause is the time from one attempt of a race to the next: the Connection Attempt Delay of RFC 8305, section 5. A network that
// swallows what it is sent, and works again, is noticed after that, while the kernel repeats after 1, 3, 7 and 15 s.
const racePause = 250 * time.Millisecond

// outcome is how one attempt of a race ended.
type outcome[T any] struct {
	candidate int
	value     T
	err       error
}

// race tries n candidates, one each racePause and at once when one has failed, round and round. It returns what the first to
// succeed brings, or why all have failed; what others bring is discarded. The first attempt with each candidate lasts for as long
// as ctx, for networks that are slow; another one for four pauses, so that n + 5 attempts run at once at most.
func race[T any](ctx context.Context, n int, try func(ctx context.Context, candidate int) (T, error), discard func(T)) (value T, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes, over := make(chan outcome[T]), make(chan struct{})
	defer close(over)
	attempt := func(candidate int, again bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if again {
			defer time.AfterFunc(4*racePause, cancel).Stop()
		}
		value, err := try(ctx, candidate)
		if again && ctx.Err() != nil && err != nil {
			return // which says nothing of the candidate
		}
		select {
		case outcomes <- outcome[T]{candidate, value, err}:
		case <-over:
			if err == nil {
				discard(value)
			}
		}
	}

	failures, began := make([]error, n), make([]bool, n)
	ticker := time.NewTicker(racePause)
	defer ticker.Stop()
	next := 0
	start := func() {
		for failures[next] != nil {
			next = (next + 1) % n
		}
		go attempt(next, began[next])
		began[next] = true
		next = (next + 1) % n
		ticker.Reset(racePause)
	}
	start()
	for {
		select {
		case o := <-outcomes:
			if o.err == nil {
				return o.value, nil
			}
			failures[o.candidate] = o.err
			if !slices.ContainsFunc(failures, func(err error) bool { return err == nil }) {
				return value, allFailed(failures)
			}
			start()
		case <-ticker.C:
			start()
		}
	}
}

// raceError says why every candidate failed, each reason once; it has two at least.
type raceError []error

// Error returns the reasons.
func (e raceError) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the reasons.
func (e raceError) Unwrap() []error { return e }

// allFailed returns one error for all, where those that differ in nothing but the address count as one.
func allFailed(failures []error) error {
	var distinct raceError
	known := make(map[string]bool)
	for _, err := range failures {
		reason := err.Error()
		var op *net.OpError
		if errors.As(err, &op) {
			reason = op.Err.Error()
		}
		if !known[reason] {
			known[reason] = true
			distinct = append(distinct, err)
		}
	}
	if len(distinct) == 1 {
		return distinct[0]
	}
	return distinct
}
