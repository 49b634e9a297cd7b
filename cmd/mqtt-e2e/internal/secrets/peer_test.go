package secrets

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
)

const someKey = "000102030405060708090a0b0c0d0e0f"

func writePeer(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "door1")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReadPeer(t *testing.T) {
	key, err := mqtte2e.ParseKey(someKey)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]Rule{
		someKey:                        nil,
		"AAECAwQFBgcICQoLDA0ODw==\r\n": nil,
		"\ufeff# who\n\n" + someKey + "  # since May\n# nothing\n": nil,
		someKey + "\nto 22\n\n  allow\t10.0.0.0/8:any # the cameras\r\nallow-remote": {
			{2, "to", "22"}, {4, "allow", "10.0.0.0/8:any"}, {5, "allow-remote", ""}},
	} {
		peer, err := ReadPeer(writePeer(t, text))
		if err != nil || peer.Key != key || !reflect.DeepEqual(peer.Rules, want) {
			t.Errorf("%q is %v, %v", text, peer, err)
		}
	}
	for text, want := range map[string]string{
		"":                       "is empty",
		"# nothing\n":            "is empty",
		"\nto 22\n" + someKey:    "line 2,",
		strings.Repeat("0", 32):  "line 1,",
		someKey[:31] + "\nto 22": "line 1,",
	} {
		_, err := ReadPeer(writePeer(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), someKey[:31]) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPeerFiles(t *testing.T) {
	directory := t.TempDir()
	for _, name := range []string{"door2", "door1", ".door1.swp", "door1~"} {
		if err := os.WriteFile(filepath.Join(directory, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := PeerFiles(directory)
	want := []string{filepath.Join(directory, "door1"), filepath.Join(directory, "door2")}
	if err != nil || !reflect.DeepEqual(files, want) {
		t.Errorf("the peers are %q, %v", files, err)
	}
	for _, name := range []string{want[0], filepath.Join(directory, "nowhere")} {
		if files, err := PeerFiles(name); err == nil {
			t.Errorf("%s has %q", name, files)
		}
	}
}
