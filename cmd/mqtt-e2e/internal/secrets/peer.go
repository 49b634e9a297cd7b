package secrets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// A Peer is a file in a directory of keys: one whom listen serves.
type Peer struct {
	Key   mqtte2e.Key
	Rules []Rule // what it may reach; none: what the flags say
}

// A Rule is a line behind the key: a flag of listen without its hyphens, and the
// flag's value.
type Rule struct {
	Line        int // in the file, from 1
	Flag, Value string
}

// PeerFiles lists the peers of a directory, of which those are none that an editor
// or a person hides.
func PeerFiles(directory string) (files []string, err error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, ui.FileError("the directory", directory, err)
	}
	for _, entry := range entries {
		if base := entry.Name(); !strings.HasPrefix(base, ".") && !strings.HasSuffix(base, "~") {
			files = append(files, filepath.Join(directory, base))
		}
	}
	return files, nil
}

// IsDirectory reports whether a --key-file stands for the files in it.
func IsDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// ReadPeer reads the file of a peer: the key in a line, and Rules in the lines that
// follow. Lines may be empty; what follows a # at the beginning of a word is a
// comment.
func ReadPeer(file string) (Peer, error) {
	if IsDirectory(file) {
		return Peer{}, fmt.Errorf("%s is a directory among files with keys: move it elsewhere", file)
	}
	text, err := ReadFile("the key file", file)
	if err != nil {
		return Peer{}, err
	}
	var peer Peer
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = content(line)
		switch {
		case line == "":
		case peer.Key == mqtte2e.Key{}:
			if peer.Key, err = ParseKey(AtLine(file, i+1), line); err != nil {
				return Peer{}, err
			}
		default:
			flag, value, _ := strings.Cut(line, " ")
			peer.Rules = append(peer.Rules, Rule{Line: i + 1, Flag: flag, Value: value})
		}
	}
	if peer.Key == (mqtte2e.Key{}) {
		_, err = ParseKey("the key file "+file, "")
	}
	return peer, err
}

// content returns a line without its comment and the space around.
func content(line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		if word[0] == '#' {
			words = words[:i]
			break
		}
	}
	return strings.Join(words, " ")
}

// AtLine names a line of a key file in errors.
func AtLine(file string, line int) string {
	return fmt.Sprintf("the key file %s, line %d,", file, line)
}
