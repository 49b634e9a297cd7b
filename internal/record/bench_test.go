package record

import (
	"fmt"
	"testing"
)

var benchmarkSizes = []int{64, 1 << 10, 16 << 10, 48 << 10}

func BenchmarkSeal(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, _ := newPair(EpochBits)
			room := make([]byte, size+Overhead)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				s.Next(start)
				s.Seal(room, room[HeaderSize:HeaderSize+size])
			}
		})
	}
}

// BenchmarkOpen includes finding the id and a copy of the packet, since it is opened in place.
func BenchmarkOpen(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, o := newPair(EpochBits)
			mask := NewMask(testMask)
			packet := seal(s, make([]byte, size))
			room := make([]byte, len(packet))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				copy(room, packet)
				mask.ID(room)
				o.received.next = 0 // forget that it came before
				if _, _, err := o.Open(nil, room, start); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenForged(b *testing.B) {
	for _, size := range []int{80 - Overhead, 48 << 10} {
		b.Run(fmt.Sprint(size+Overhead), func(b *testing.B) {
			s, o := newPair(EpochBits)
			packet := seal(s, make([]byte, size))
			packet[HeaderSize+sampleSize] ^= 1
			room := make([]byte, len(packet))
			b.ReportAllocs()
			for b.Loop() {
				copy(room, packet)
				if _, _, err := o.Open(nil, room, start); err != ErrForged {
					b.Fatal(err)
				}
			}
		})
	}
}
