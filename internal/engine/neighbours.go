package engine

import "sync"

// open holds the Engines of this process that are not closed, so that a dial on
// one of them can tell the others that a listener was restarted: programs that
// call Dial have an Engine for each Conn, and an idle Conn would not notice
// before its keep-alive. It is the only state outside of an Engine.
var open struct {
	mu      sync.Mutex // taken after no other lock
	engines map[*Engine]struct{}
}

func (e *Engine) appear() {
	open.mu.Lock()
	defer open.mu.Unlock()
	if open.engines == nil {
		open.engines = make(map[*Engine]struct{})
	}
	open.engines[e] = struct{}{}
}

func (e *Engine) disappear() {
	open.mu.Lock()
	defer open.mu.Unlock()
	delete(open.engines, e)
}

// neighbours returns the Engines whose dials reach the same listeners as e's, e
// among them.
func (e *Engine) neighbours() []*Engine {
	open.mu.Lock()
	defer open.mu.Unlock()
	var list []*Engine
	for other := range open.engines {
		if other.config.Key == e.config.Key && other.config.TopicPrefix == e.config.TopicPrefix &&
			other.config.Link.Address.Host == e.config.Link.Address.Host {
			list = append(list, other)
		}
	}
	return list
}
