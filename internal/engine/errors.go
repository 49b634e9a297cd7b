package engine

import "errors"

// What went wrong, for errors.Is. The root package exports them under the same
// names and documents them.
var (
	ErrNoAnswer = errors.New("nobody answered")
	ErrPeerGone = errors.New("peer is gone")
	ErrRefused  = errors.New("refused")
	ErrBroker   = errors.New("broker")
)
