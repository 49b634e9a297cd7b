package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

// ejabberdLibraries are where Debian has ejabberd and what it needs.
const ejabberdLibraries = "/usr/lib/*/ejabberd-*"

// prepareEjabberd prepares a node that is no part of a cluster, so that it needs no port mapper. Everybody may log in, with the user
// name that mod_mqtt wants: a Jabber id.
func prepareEjabberd(dir string) (*broker, error) {
	program, err := find("erl")
	if err != nil {
		return nil, err
	}
	libraries, _ := filepath.Glob(ejabberdLibraries)
	if len(libraries) == 0 {
		return nil, fmt.Errorf("ejabberd %w", errMissing)
	}
	hosts, err := loopback.Free(1)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "ejabberd.yml")
	text := "hosts: [localhost]\nauth_method: anonymous\nanonymous_protocol: login_anon\n" +
		"listen: [{ip: 127.0.0.1, port: " + loopback.Port(hosts[0]) + ", module: mod_mqtt, backlog: 1000}]\nmodules: {mod_mqtt: {}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	w := way{dialer: "mqtt://dialer%40localhost:secret@" + hosts[0], listener: "mqtt://listener%40localhost:secret@" + hosts[0]}
	b := &broker{version: debianVersion("ejabberd"), ways: []way{w}}
	b.addNode(dir, hosts, program, "-noinput", "+K", "true", "-mnesia", "dir", fmt.Sprintf("%q", filepath.Join(dir, "spool")), "-s", "ejabberd").environment = []string{
		"HOME=" + dir,
		"ERL_LIBS=" + filepath.Dir(libraries[0]),
		"EJABBERD_CONFIG_PATH=" + file,
		"EJABBERD_LOG_PATH=" + filepath.Join(dir, "ejabberd.log"),
		"ERL_CRASH_DUMP_BYTES=0",
	}
	return b, nil
}
