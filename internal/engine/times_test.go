package engine

import "time"

// What SPEC.md and the documents promise of a Conn, and its tests wait for.
const (
	halfOpenLife = 30 * time.Second
	timeWaitLife = 10 * time.Second
	maxLinger    = 30 * time.Second
	flushWait    = time.Second
	stallWait    = 500 * time.Millisecond
	checkAfter   = 3 * time.Second
	deniedWait   = 6 * time.Second
	maxKeepAlive = 40 * time.Second
	clockSample  = time.Second
)
