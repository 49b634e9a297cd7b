package simtest

import (
	"bytes"
	"sync"
)

// Buffer is a bytes.Buffer for several goroutines: a log, or what a process says, that a test reads meanwhile.
type Buffer struct {
	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
