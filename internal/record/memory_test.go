package record

import (
	"runtime"
	"testing"
)

// A process may hold 2,000 connections: both directions of one must stay below 6 KiB.
func TestMemoryPerConnection(t *testing.T) {
	const pairs = 500
	mask := NewMask(testMask)
	sealers, openers := make([]*Sealer, pairs), make([]*Opener, pairs)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range pairs {
		sealers[i], openers[i] = NewSealer(testSecret, testID, mask, EpochBits), NewOpener(testSecret, testID, EpochBits)
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / pairs
	t.Logf("%d bytes", each)
	if each > 6<<10 {
		t.Errorf("a Sealer and an Opener take %d bytes", each)
	}
	runtime.KeepAlive(sealers)
	runtime.KeepAlive(openers)
}
