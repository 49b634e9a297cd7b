package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// setKeysPause is the time between two attempts to serve what the broker did not
// let us serve. Each of them waits for the broker besides.
const setKeysPause = 5 * time.Second

// readFirst reads the files of a roster at the start, and fails if that leaves
// nobody. Otherwise it tells what is wrong, and the others are served: a machine may
// be started where nobody can reach it to mend a file.
func (a *app) readFirst(r *roster) error {
	wrong := r.read()
	switch {
	case len(r.all()) > 0:
		a.tell(wrong)
		return nil
	case len(wrong) > 0:
		return wrong[0]
	}
	directory := r.files[slices.IndexFunc(r.files, secrets.IsDirectory)]
	return fmt.Errorf("there is no key in the directory %s: make one with  mqtt-e2e keygen -o %s", directory, ui.Quote(filepath.Join(directory, "NAME")))
}

func (a *app) tell(wrong []error) {
	for _, err := range wrong {
		a.logger.Error(err.Error())
	}
}

// follow reads the roster again at each hangup, until the context ends.
func (l *listening) follow(ctx context.Context, listener *mqtte2e.Listener, hangups <-chan struct{}) {
	var again <-chan time.Time
	for {
		select {
		case <-hangups:
			l.reread()
		case <-again:
		case <-ctx.Done():
			return
		}
		again = nil
		if err := l.setKeys(listener); err != nil && ctx.Err() == nil {
			l.status.Warn(err.Error() + "; new keys are not served yet")
			again = time.After(setKeysPause)
		}
	}
}

// reread reads the roster again, and tells what has changed.
func (l *listening) reread() {
	logger := l.app.logger
	before := l.roster.all()
	l.app.tell(l.roster.read())
	now := l.roster.all()
	tellOthers := func(members, others []member, text string) {
		for _, m := range members {
			if !slices.ContainsFunc(others, func(other member) bool { return other.key == m.key }) {
				logger.Info(text, "peer", m.Name, "key", m.key)
			}
		}
	}
	tellOthers(before, now, "a peer is shut out")
	tellOthers(now, before, "a peer is served from now on")
	if len(now) == 0 {
		logger.Warn("there is no key left: nobody is served")
	}
	logger.Info("read the keys again", "peers", len(now))
}

// setKeys makes the Listener serve the roster.
func (l *listening) setKeys(listener *mqtte2e.Listener) error {
	keys := l.roster.keys()
	gone := func(key mqtte2e.Key) bool { return !slices.Contains(keys, key) }
	if kept := slices.DeleteFunc(slices.Clone(l.keys), gone); len(kept) > 0 && len(kept) < len(l.keys) {
		// Who is gone is cut off whatever the broker says to those who are new.
		if err := listener.SetKeys(kept...); err != nil {
			return l.where().Explain(err)
		}
		l.keys = kept
	}
	if len(keys) == 0 {
		keys = []mqtte2e.Key{mqtte2e.NewKey()} // nobody has it
	}
	if slices.Equal(keys, l.keys) {
		return nil
	}
	if err := listener.SetKeys(keys...); err != nil {
		return l.where().Explain(err)
	}
	l.keys = keys
	return nil
}
