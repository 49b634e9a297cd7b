package server

import (
	"fmt"

	"github.com/mqtt-e2e/mqtte2e/mux"
)

const (
	// maxSessions is how many sessions there may be under one key, unless told
	// otherwise: for machines that keep one each.
	maxSessions = 256

	// maxStreams is how many streams there may be under one key, unless told
	// otherwise. They hold 64 KiB each for copying, and 256 KiB of what is not read,
	// so 160 MiB, and twice that until garbage is collected.
	maxStreams = 512

	// keptDescriptors is how many descriptors are kept back: for the broker, the log,
	// names that are looked up, and files of keys.
	keptDescriptors = 64

	// streamDescriptors is how many a stream takes at most: while it is connected to
	// a target with addresses of both kinds, both are tried.
	streamDescriptors = 2
)

// Limit says how many sessions and streams peers may have under one key; 0: as many
// as is sensible. All keys together may have twice as many. It has to be called
// before Serve.
func (s *Server) Limit(sessions, streams int) error {
	most := (descriptors() - keptDescriptors) / (2 * streamDescriptors)
	switch {
	case sessions < 0:
		return fmt.Errorf("--max-sessions is %d: write a number from 1", sessions)
	case streams < 0:
		return fmt.Errorf("--max-streams is %d: write a number from 1", streams)
	case streams > most && streams > 0:
		return fmt.Errorf("--max-streams is %d, and this process may open files for %d only: raise its limit, with ulimit -n or LimitNOFILE=, to %d", streams, max(most, 0), 2*streamDescriptors*streams+keptDescriptors)
	}
	if sessions == 0 {
		sessions = maxSessions
	}
	if streams == 0 {
		streams = max(1, min(maxStreams, most))
	}
	s.limits = &mux.Limits{MaxSessions: sessions, MaxStreams: streams}
	return nil
}
