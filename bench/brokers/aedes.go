package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e/bench/loopback"
)

const (
	// aedesVersion is the last that runs on Debian's Node 18.
	aedesVersion = "0.51.3"

	// wsVersion is that of the WebSocket server beside it.
	wsVersion = "8.18.3"
)

//go:embed aedes.js
var aedesScript []byte

func prepareAedes(dir string) (*broker, error) {
	program, err := find("node")
	if err != nil {
		return nil, err
	}
	modules, err := installAedes()
	if err != nil {
		return nil, err
	}
	hosts, err := loopback.Free(2)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "aedes.js")
	if err := os.WriteFile(file, aedesScript, 0o600); err != nil {
		return nil, err
	}
	b := &broker{version: aedesVersion, ways: []way{over("TCP", "mqtt://"+hosts[0]), over("WebSocket", "ws://"+hosts[1]+"/mqtt")}}
	b.addNode(dir, hosts, program, file, loopback.Port(hosts[0]), loopback.Port(hosts[1])).environment = []string{"NODE_PATH=" + modules}
	return b, nil
}

// installAedes installs aedes in the user's cache, unless it is there, and returns where its modules are.
func installAedes() (modules string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "mqtte2e-bench", "aedes-"+aedesVersion)
	modules = filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "aedes")); !errors.Is(err, fs.ErrNotExist) {
		return modules, err
	}
	npm, err := find("npm")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(dir), "aedes")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	install := exec.Command(npm, "install", "--prefix", unfinished, "--no-audit", "--no-fund", "aedes@"+aedesVersion, "ws@"+wsVersion)
	if said, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm does not install aedes: %w\n%s", err, said)
	}
	return modules, os.Rename(unfinished, dir)
}
