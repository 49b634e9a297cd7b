package stream

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestSendBufferAgainstModel appends, reads, lends and discards at random, as the
// sender does, and compares with one slice of bytes.
func TestSendBufferAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		packet := []int{500, 9000, 20 << 10, 48 << 10}[random.IntN(4)]
		p := sendBuffer{blocks: NewBlocks(packet + random.IntN(2)*4000)}
		una := random.Uint64() >> random.IntN(60) >> 1
		var model []byte // from una on
		for range 100 {
			end := una + uint64(len(model))
			switch random.IntN(4) {
			case 0:
				written := make([]byte, random.IntN(1+random.IntN(3*packet)))
				for i := range written {
					written[i] = byte(random.Uint32())
				}
				p.write(end, written, packet, len(model))
				model = append(model, written...)
			case 1:
				n := uint64(random.IntN(len(model) + 1))
				una, model = una+n, model[n:]
				p.discard(una)
			case 2:
				if len(model) == 0 {
					continue
				}
				at := random.IntN(len(model))
				got := make([]byte, random.IntN(len(model)-at+1))
				p.read(una+uint64(at), got)
				if !bytes.Equal(got, model[at:at+len(got)]) {
					t.Fatalf("seed %d: %d bytes at %d differ", seed, len(got), at)
				}
				lendFrom(t, &p, una, model, at, random)
			}
			if held := heldSegments(&p); held > len(model)+len(model)/7+2*p.blocks.size {
				t.Fatalf("seed %d: %d bytes of memory for %d", seed, held, len(model))
			}
		}
		if p.release(); heldSegments(&p) != 0 {
			t.Errorf("%d bytes after release", heldSegments(&p))
		}
	}
}

// lendFrom asks for the rest of a segment in place and checks that it is what was
// written, behind room for its head that belongs to the same Block and holds
// nothing that was written.
func lendFrom(t *testing.T, p *sendBuffer, una uint64, model []byte, at int, random *rand.Rand) {
	t.Helper()
	offset, head := una+uint64(at), random.IntN(2*headroom)
	n := int(p.list[p.at(offset)].end() - offset)
	packet := p.inPlace(offset, n, head)
	switch {
	case packet == nil && n >= minInPlace && head <= headroom && offset == p.list[p.at(offset)].start:
		t.Fatalf("%d bytes behind a head of %d are not lent", n, head)
	case packet != nil && (len(packet) != head+n || !bytes.Equal(packet[head:], model[at:at+n])):
		t.Fatalf("%d bytes are lent for %d, or they differ", len(packet), head+n)
	case p.inPlace(offset, n+1, head) != nil:
		t.Fatal("more is lent than lies together")
	}
	limit := 1 + random.IntN(2*p.blocks.size)
	want := 0
	for _, other := range p.list {
		if end := int(other.end() - offset); other.end() > offset && end <= limit {
			want = end
		}
	}
	if want < limit/4 {
		want = limit
	}
	if got := p.whole(offset, limit); got != want {
		t.Fatalf("%d bytes end with a segment, of %d, want %d", got, limit, want)
	}
}
