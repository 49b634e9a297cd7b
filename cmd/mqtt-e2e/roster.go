package main

import (
	"slices"
	"sync"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/server"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
)

// A roster is whom listen serves, and what each may reach. It is safe for
// concurrent use.
type roster struct {
	files []string      // after --key-file, if one is a directory: they are read again and again
	flags target.Policy // for peers whose files say nothing
	empty bool          // the flags say nothing either

	mu      sync.Mutex // guards members
	members []member
}

// A member is a peer, and where its key is from.
type member struct {
	server.Peer
	key    mqtte2e.Key
	source secrets.Source // whose Key may be a fleet's
	under  string         // the file or directory after --key-file that it is in
}

// roster returns whom a listener under name serves, in whose files nothing may be
// wrong unless they are in a directory.
func (a *app) roster(f *listenFlags, name string, policy target.Policy) (*roster, error) {
	r := &roster{flags: policy, empty: len(f.to)+len(f.allow)+len(f.allowRemote) == 0 && !f.speedtest}
	if err := f.checkKeyFlags(); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(f.keyFiles, secrets.IsDirectory) {
		r.files = f.keyFiles
		return r, keyError(a.readFirst(r))
	}
	if r.empty {
		return nil, usagef("there is nothing to serve: say with --to HOST:PORT where streams go, or see --allow")
	}
	sources, err := f.keys()
	if err != nil {
		return nil, err
	}
	for _, source := range sources {
		r.members = append(r.members, r.holder(source, name))
	}
	return r, nil
}

// holder is whoever holds a key outside of a directory. The name of its file says
// nothing of who that is.
func (r *roster) holder(source secrets.Source, name string) member {
	key := source.Key
	if source.Fleet {
		key, _ = key.Device(name) // name is valid
	}
	return member{server.Peer{Name: key.String(), Policy: r.flags}, key, source, source.File}
}

// peer is with whom a Conn under a key is. Who was shut out just now reaches nothing.
func (r *roster) peer(key mqtte2e.Key) server.Peer {
	for _, m := range r.all() {
		if m.key == key {
			return m.Peer
		}
	}
	return server.Peer{Name: key.String()}
}

// hasDefault reports whether some peer may have a target for streams that name none:
// one that comes later, too.
func (r *roster) hasDefault() bool { return r.files != nil || r.flags.Default != nil }

func (r *roster) all() []member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members
}

func (r *roster) keys() []mqtte2e.Key {
	var keys []mqtte2e.Key
	for _, m := range r.all() {
		keys = append(keys, m.key)
	}
	return keys
}

func (r *roster) sources() []secrets.Source {
	var sources []secrets.Source
	for _, m := range r.all() {
		sources = append(sources, m.source)
	}
	return sources
}
