package main

import (
	"fmt"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/server"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
)

// A census is one reading of the files of a roster.
type census struct {
	before, now []member
	holders     map[mqtte2e.Key]string // the files of now
	wrong       []error
}

// read reads the files. What cannot be read stays as it was; the errors say so.
func (r *roster) read() []error {
	c := census{before: r.all(), holders: make(map[mqtte2e.Key]string)}
	for _, name := range r.files {
		files, err := []string{name}, error(nil)
		if secrets.IsDirectory(name) {
			files, err = secrets.PeerFiles(name)
		}
		if err != nil {
			c.keep(name, err)
		}
		for _, file := range files {
			if m, err := r.member(file, name); err != nil {
				c.keep(file, err)
			} else {
				c.add(m)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = c.now
	return c.wrong
}

// keep leaves what stood in a file or directory as it was.
func (c *census) keep(name string, err error) {
	outcome := "not served"
	for _, m := range c.before {
		if m.source.File == name || m.under == name {
			outcome = "served as before"
			c.add(m)
		}
	}
	c.wrong = append(c.wrong, fmt.Errorf("%w; who is in it is %s", err, outcome))
}

// add enters a member, unless another has its key: only one of them can be meant.
func (c *census) add(m member) {
	if other, taken := c.holders[m.key]; taken {
		c.wrong = append(c.wrong, secrets.SameKey(other, m.source.File))
		return
	}
	c.holders[m.key] = m.source.File
	c.now = append(c.now, m)
}

// member reads a file after --key-file, or one in a directory there.
func (r *roster) member(file, under string) (member, error) {
	if file == under {
		sources, err := secrets.Keys([]string{file})
		if err == nil && r.empty {
			err = errUnserved(file)
		}
		if err != nil {
			return member{}, err
		}
		return r.holder(sources[0], ""), nil
	}
	peer, err := secrets.ReadPeer(file)
	if err != nil {
		return member{}, err
	}
	policy, err := r.policy(file, peer.Rules)
	source := secrets.Source{Key: peer.Key, File: file}
	return member{server.Peer{Name: filepath.Base(file), Policy: policy}, peer.Key, source, under}, err
}

// policy reads what a peer may reach.
func (r *roster) policy(file string, rules []secrets.Rule) (policy target.Policy, err error) {
	switch {
	case len(rules) > 0:
	case r.empty:
		return policy, errUnserved(file)
	default:
		return r.flags, nil
	}
	for _, rule := range rules {
		if err := permit(&policy, rule.Flag, rule.Value); err != nil {
			return policy, fmt.Errorf("%s %w", secrets.AtLine(file, rule.Line), err)
		}
	}
	return policy, nil
}

func errUnserved(file string) error {
	return fmt.Errorf("the key file %s does not say what its holder may reach, and nor does a flag: write a line such as  to 127.0.0.1:22  behind the key, or give --to", file)
}
