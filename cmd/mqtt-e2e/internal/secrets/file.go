// Package secrets gets keys and passwords from files and the environment, and
// never from arguments, which every user of a machine can read. No error of
// this package quotes a secret.
package secrets

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// maxFile bounds what is read of a file with a secret, bytes. MQTT's longest
// password has 65,535.
const maxFile = 65535 + 2

// secretDirectories hold files that a service manager put there for us, with
// rights of its own choice: systemd's credentials have mode 0440, Docker's
// secrets 0444.
func secretDirectories() []string {
	directories := []string{"/run/secrets"}
	if credentials := os.Getenv("CREDENTIALS_DIRECTORY"); credentials != "" {
		directories = append(directories, credentials)
	}
	return directories
}

// ReadFile reads a file with a secret, after checking that other users can
// neither read nor change it. The directories above it are not checked. what
// names the file in errors.
func ReadFile(what, name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", ui.FileError(what, name, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", ui.FileError(what, name, err)
	}
	if info.Mode().IsRegular() && !managed(name) {
		if owner, known := ownerOf(info); known {
			err = checkAccess(name, info.Mode().Perm(), owner, os.Geteuid())
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s %s %w", what, name, err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return "", ui.FileError(what, name, err)
	}
	if len(content) > maxFile {
		return "", fmt.Errorf("%s %s has more than %d bytes, too many for a secret: is it the right file?", what, name, maxFile)
	}
	return string(content), nil
}

// checkAccess tells what is wrong with who has access to a file, for user, who
// runs the program. What root owns may be read by whomever root lets.
func checkAccess(name string, mode fs.FileMode, owner, user int) error {
	const others, write = 0o077, 0o022
	switch {
	case owner != user && owner != 0:
		return fmt.Errorf("belongs to another user (uid %d), who can change it: use a copy that is yours or root's", owner)
	case owner == user && mode&others != 0:
		return fmt.Errorf("is open to other users (mode %04o): run  chmod 600 %s", mode, ui.Quote(name))
	case mode&write != 0:
		return fmt.Errorf("can be changed by other users (mode %04o): run  chmod go-w %s  as root", mode, ui.Quote(name))
	}
	return nil
}

// managed reports whether the file lies where service managers put secrets.
func managed(name string) bool {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return false
	}
	for _, directory := range secretDirectories() {
		if relative, err := filepath.Rel(directory, absolute); err == nil && filepath.IsLocal(relative) {
			return true
		}
	}
	return false
}
