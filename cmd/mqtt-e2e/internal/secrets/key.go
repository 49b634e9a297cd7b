package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// Environment variables. Empty ones count as unset.
const (
	KeyFileVariable      = "MQTT_E2E_KEY_FILE"
	FleetKeyFileVariable = "MQTT_E2E_FLEET_KEY_FILE"
	KeyVariable          = "MQTT_E2E_KEY"
	PasswordVariable     = "MQTT_E2E_PASSWORD"
)

// A Source is a key and where it came from.
type Source struct {
	Key      mqtte2e.Key
	File     string // empty: the environment
	Variable string // of the environment, which holds the key or names the file; empty: a flag, or the default file
	Fleet    bool   // it is a fleet's key, of which each name has its own
}

// Origin tells a person where the key came from.
func (s Source) Origin() string {
	text := s.File
	switch {
	case s.File == "":
		return s.Variable
	case s.Variable != "":
		text += " (" + s.Variable + ")"
	}
	if s.Fleet {
		text += ", a fleet's"
	}
	return text
}

// Keys returns the keys in files or, if there are none, the one key of the
// environment or of the default file.
func Keys(files []string) ([]Source, error) {
	if len(files) == 0 {
		source, err := fallback()
		return []Source{source}, err
	}
	var sources []Source
	for _, file := range files {
		key, err := keyFile(file)
		if err != nil {
			return nil, err
		}
		for _, source := range sources {
			if source.Key == key {
				return nil, SameKey(source.File, file)
			}
		}
		sources = append(sources, Source{Key: key, File: file})
	}
	return sources, nil
}

// SameKey is the error of two files that hold one key.
func SameKey(first, second string) error {
	return fmt.Errorf("%s and %s hold the same key: leave one out", first, second)
}

// FleetKey returns the key of a fleet in file or, if file is empty, in the one that
// the environment names; without either, the zero Source.
func FleetKey(file string) (source Source, err error) {
	source = Source{File: file, Fleet: true}
	if file == "" {
		source.File, source.Variable = os.Getenv(FleetKeyFileVariable), FleetKeyFileVariable
	}
	if source.File == "" {
		return Source{}, nil
	}
	source.Key, err = keyFile(source.File)
	return source, err
}

func fallback() (Source, error) {
	if file := os.Getenv(KeyFileVariable); file != "" {
		key, err := keyFile(file)
		return Source{Key: key, File: file, Variable: KeyFileVariable}, err
	}
	if source, err := FleetKey(""); err != nil || source.Fleet {
		return source, err
	}
	if text := os.Getenv(KeyVariable); text != "" {
		key, err := ParseKey(KeyVariable, text)
		if err != nil {
			return Source{}, err
		}
		return Source{Key: key, Variable: KeyVariable}, nil
	}
	file, err := DefaultKeyFile()
	if err != nil {
		return Source{}, err
	}
	key, err := keyFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Source{}, fmt.Errorf("there is no key: make one with  mqtt-e2e keygen -o %s  and copy it to the other side, or name one with --key-file, %s or %s", ui.Quote(file), KeyFileVariable, KeyVariable)
	}
	return Source{Key: key, File: file}, err
}

// DefaultKeyFile returns the file that holds the key where nothing else is
// said.
func DefaultKeyFile() (string, error) {
	directory, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no key: name one with --key-file, %s or %s (the default file is unknown: %w)", KeyFileVariable, KeyVariable, err)
	}
	return filepath.Join(directory, "mqtt-e2e", "key"), nil
}

func keyFile(name string) (mqtte2e.Key, error) {
	text, err := ReadFile("the key file", name)
	switch {
	case IsDirectory(name):
		return mqtte2e.Key{}, fmt.Errorf("the key file %s is a directory, which only  listen --key-file  takes: name a file", name)
	case err != nil:
		return mqtte2e.Key{}, err
	}
	return ParseKey("the key file "+name, text)
}

// ParseKey reads a key. what says where the text is from, which no error quotes.
func ParseKey(what, text string) (mqtte2e.Key, error) {
	key, err := mqtte2e.ParseKey(text)
	size := len(strings.TrimSpace(text))
	switch {
	case size == 0:
		return key, fmt.Errorf("%s is empty: make a key with  mqtt-e2e keygen", what)
	case err != nil:
		return key, fmt.Errorf("%s holds no key but %d other bytes: a key is 32 hexadecimal digits, or 22 or 24 characters of base64", what, size)
	case key == mqtte2e.Key{}:
		return key, fmt.Errorf("%s holds nothing but zeros, which is no secret: make a key with  mqtt-e2e keygen", what)
	}
	return key, nil
}

// Password returns the broker password in file or, if file is empty, in the
// environment; it may be empty. One line break at the end is not part of it.
func Password(file string) (string, error) {
	if file == "" {
		return os.Getenv(PasswordVariable), nil
	}
	text, err := ReadFile("the password file", file)
	if err != nil {
		return "", err
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("the password file %s is empty", file)
	}
	return text, nil
}

// CheckAbsent tells what WriteKey would tell of a file that exists, to ask for
// no key in vain. An empty name stands for no file.
func CheckAbsent(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return exists(name)
	}
	return nil
}

func exists(name string) error {
	return fmt.Errorf("%s exists and is not overwritten: move it away, or choose another file with -o", name)
}

// WriteKey stores key in a new file that only its owner can read, and makes
// the directory if needed. It never replaces a file.
func WriteKey(name string, key mqtte2e.Key) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return ui.FileError("the directory", filepath.Dir(name), err)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return exists(name)
	}
	if err != nil {
		return ui.FileError("the key file", name, err)
	}
	_, err = file.WriteString(key.Hex() + "\n")
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(name)
		return ui.FileError("the key file", name, err)
	}
	return nil
}
