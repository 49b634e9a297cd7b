package link

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// appendPublish is the naive encoder that Batch is compared with.
func appendPublish(b []byte, flags byte, topic string, payload []byte) []byte {
	b = appendHeader(b, header{packets.Publish, flags, 2 + len(topic) + len(payload)})
	b = append(b, byte(len(topic)>>8), byte(len(topic)))
	return append(append(b, topic...), payload...)
}

func TestBatchEqualsTheNaiveEncoder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, maxPayload := range []int{1, 100, 20_000, 60 << 10, 1 << 20} {
		batch := NewBatch(maxPayload)
		for range 3 {
			var want []byte
			for !batch.Full() {
				topic := strings.Repeat("t", 1+random.IntN(200))
				size := random.IntN(min(maxPayload, 1<<random.IntN(21)) + 1)
				room := batch.Publish(topic)
				if len(room) != maxPayload {
					t.Fatalf("room for %d bytes, want %d", len(room), maxPayload)
				}
				for i := range room[:size] {
					room[i] = byte(random.Uint32())
				}
				if size > 0 {
					want = appendPublish(want, 0, topic, room[:size])
				}
				batch.Commit(size)
			}
			if !bytes.Equal(batch.Bytes(), want) {
				t.Fatalf("batch of %d bytes differs from %d naive ones", len(batch.Bytes()), len(want))
			}
			batch.Reset()
		}
	}
}

func TestBatchPanicsOnMisuse(t *testing.T) {
	full := NewBatch(batchLimit)
	full.Publish("t")
	full.Commit(batchLimit)
	for name, misuse := range map[string]func(b *Batch){
		"two Publish":       func(b *Batch) { b.Publish("t"); b.Publish("t") },
		"Commit alone":      func(b *Batch) { b.Commit(1) },
		"Commit too much":   func(b *Batch) { b.Publish("t"); b.Commit(11) },
		"Publish when full": func(*Batch) { full.Publish("t") },
		"no topic":          func(b *Batch) { b.Publish("") },
		"long topic":        func(b *Batch) { b.Publish(strings.Repeat("t", MaxTopic+1)) },
		"Reset before":      func(b *Batch) { b.Publish("t"); b.Reset() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse(NewBatch(10))
		}()
	}
}

func TestBatchDoesNotAllocate(t *testing.T) {
	batch := NewBatch(testMaxPayload)
	allocations := testing.AllocsPerRun(100, func() { fillBatch(batch, 1000) })
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// fillBatch fills a batch with payloads of a size.
func fillBatch(batch *Batch, size int) {
	batch.Reset()
	for !batch.Full() {
		batch.Publish("abcdefghijklmnopqrstuv")
		batch.Commit(size)
	}
	batch.appendControl(0xC0, 0)
}

func BenchmarkBatch1KiB(b *testing.B)  { benchmarkBatch(b, 1<<10) }
func BenchmarkBatch60KiB(b *testing.B) { benchmarkBatch(b, testMaxPayload) }

// benchmarkBatch measures a packet's way into the batch, without the copying of its payload.
func benchmarkBatch(b *testing.B, size int) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	batch := NewBatch(testMaxPayload)
	for b.Loop() {
		if batch.Full() {
			batch.Reset()
		}
		batch.Publish("abcdefghijklmnopqrstuv")
		batch.Commit(size)
	}
}
