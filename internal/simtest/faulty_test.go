package simtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"
)

// numbered returns a PUBLISH packet with a number for a payload.
func numbered(n int) []byte {
	return binary.BigEndian.AppendUint32([]byte{0x30, 7, 0, 1, 't'}, uint32(n))
}

var pingResponse = []byte{0xD0, 0}

// through sends count numbered packets, each followed by a PINGRESP, through a faulty connection in virtual time, and returns
// what arrives, packet by packet.
func through(t *testing.T, config FaultConfig, count int) (packets [][]byte) {
	t.Helper()
	Run(t, func(t *testing.T) {
		client, broker := Pipe()
		faulty := Faulty(client, config)
		defer faulty.Close()
		go func() {
			for n := range count {
				broker.Write(append(numbered(n), pingResponse...))
				time.Sleep(time.Millisecond) // virtual: the packets' distance
			}
			broker.Close()
		}()
		in := bufio.NewReader(faulty)
		for {
			packet, err := readPacket(in)
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			packets = append(packets, packet)
		}
	})
	return packets
}

// numbers returns the payloads of the PUBLISH packets, and the number of others.
func numbers(packets [][]byte) (numbers []int, others int) {
	for _, packet := range packets {
		if packet[0] != 0x30 {
			others++
			continue
		}
		numbers = append(numbers, int(binary.BigEndian.Uint32(payloadOf(packet))))
	}
	return numbers, others
}

func TestFaultyLosesOnlyPublishes(t *testing.T) {
	got, others := numbers(through(t, FaultConfig{Seed: 1, Loss: 0.1}, 10_000))
	if others != 10_000 || len(got) < 8_800 || len(got) > 9_200 {
		t.Errorf("%d of 10,000 packets and %d of 10,000 others arrive at 10%% loss", len(got), others)
	}
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Fatalf("%d comes after %d without Reorder and Duplicate", got[i], got[i-1])
		}
	}
}

func TestFaultyDuplicates(t *testing.T) {
	if got, _ := numbers(through(t, FaultConfig{Seed: 1, Duplicate: 1}, 3)); len(got) != 6 || got[0] != 0 || got[1] != 0 || got[2] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestFaultyReorders(t *testing.T) {
	got, others := numbers(through(t, FaultConfig{Seed: 1, Reorder: 0.1}, 1_000))
	moved := 0
	for i := 1; i < len(got); i++ {
		if got[i] < got[i-1] {
			moved++
		}
	}
	if len(got) != 1_000 || others != 1_000 || moved < 50 || moved > 150 {
		t.Errorf("%d packets and %d others arrive, %d of them late", len(got), others, moved)
	}
}

func TestFaultyCorruptsOneBit(t *testing.T) {
	for n, packet := range through(t, FaultConfig{Seed: 1, Corrupt: 1}, 50) {
		if n%2 == 1 {
			continue // PINGRESP
		}
		want, different := numbered(n/2), 0
		for i := range packet {
			for b := packet[i] ^ want[i]; b != 0; b &= b - 1 {
				different++
			}
		}
		if different != 1 || !bytes.Equal(packet[:5], want[:5]) {
			t.Fatalf("packet %d is % x, was % x", n/2, packet, want)
		}
	}
}

func TestFaultyHidesLargePayloads(t *testing.T) {
	if got, others := numbers(through(t, FaultConfig{MaxPayload: 3}, 5)); len(got) != 0 || others != 5 {
		t.Errorf("%d packets and %d others arrive", len(got), others)
	}
}

func TestFaultyIsTheSameForASeed(t *testing.T) {
	config := FaultConfig{Seed: 7, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Corrupt: 0.1}
	first, second := through(t, config, 500), through(t, config, 500)
	if !bytes.Equal(bytes.Join(first, nil), bytes.Join(second, nil)) {
		t.Error("two runs with one seed differ")
	}
}

func TestFaultyDelaysExactly(t *testing.T) {
	Run(t, func(t *testing.T) {
		client, broker := Pipe()
		faulty := Faulty(client, FaultConfig{Delay: 100 * time.Millisecond})
		defer faulty.Close()
		start := time.Now()
		broker.Write(numbered(1))
		time.Sleep(time.Millisecond) // virtual
		broker.Write(numbered(2))
		broker.Close()
		for _, want := range []time.Duration{100 * time.Millisecond, 101 * time.Millisecond} {
			if _, err := io.ReadFull(faulty, make([]byte, len(numbered(1)))); err != nil {
				t.Fatal(err)
			}
			if passed := time.Since(start); passed != want {
				t.Errorf("a packet came after %v, want %v", passed, want)
			}
		}
		if _, err := faulty.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	})
}
