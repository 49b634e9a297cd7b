//go:build !unix

package secrets

import "io/fs"

// ownerOf knows nothing: modes and owners do not say who has access to a file
// here.
func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }
