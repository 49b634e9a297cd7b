package message

import (
	"bytes"
	"testing"
	"time"
)

// FuzzOpen gives Open any bytes: it must not panic, and accept only what sealing its own result again makes, byte for byte.
func FuzzOpen(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Key), v.AuthData, []byte(v.Packet), v.Time)
	}
	f.Add(make([]byte, 16), "", []byte{}, int64(0))
	f.Add(bytes.Repeat([]byte{1}, 16), "a", bytes.Repeat([]byte{0xff}, Overhead), int64(-1))
	f.Fuzz(func(t *testing.T, key []byte, authData string, packet []byte, now int64) {
		if len(key) != 16 {
			return
		}
		v := vector{Key: key, AuthData: authData, Time: now}
		message, err := v.codec().Open(packet)
		if err != nil {
			return
		}
		v.Random, v.Time, v.PadSize = packet[timeSize:ivSize], readIV(packet).time, len(packet)-Overhead
		again, err := v.codec().Seal(message)
		if err != nil || !bytes.Equal(again, packet) {
			t.Fatalf("accepted %x, sealed again as %x, %v", packet, again, err)
		}
	})
}

// FuzzPlaintext: what is accepted is what putPlaintext makes, and the message comes back.
func FuzzPlaintext(f *testing.F) {
	f.Add([]byte("\x01\x00\x04ping\x00\x00"))
	f.Add([]byte("\x01\x00\x05ping"))
	f.Add([]byte("\x02\x00\x00"))
	f.Add([]byte("\x01\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		if len(plain) < headSize || len(plain) > headSize+MaxMessageSize {
			return
		}
		message, err := readPlaintext(plain)
		if err != nil {
			return
		}
		again := bytes.Repeat([]byte{0xaa}, len(plain))
		putPlaintext(again, message)
		if !bytes.Equal(again, plain) {
			t.Fatalf("accepted %x, made again as %x", plain, again)
		}
	})
}

// FuzzSealedAndChanged seals a message and overwrites part of the packet: it opens if nothing changed, to the same message, and else
// not at all.
func FuzzSealedAndChanged(f *testing.F) {
	f.Add([]byte("ping"), int16(0), uint16(3), []byte{1})
	f.Add([]byte("ping"), int16(-1), uint16(40), []byte{})
	f.Add(bytes.Repeat([]byte("long"), 40), int16(60), uint16(12), []byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, message []byte, pad int16, at uint16, change []byte) {
		clock := func() time.Time { return testTime }
		sender := &Codec{Key: testKey, PadSize: int(pad), Now: clock}
		receiver := &Codec{Key: testKey, Now: clock}
		sealed, err := sender.Seal(message)
		if err != nil {
			if len(message) <= MaxMessageSize {
				t.Fatal(err)
			}
			return
		}
		received := bytes.Clone(sealed)
		copy(received[int(at)%len(received):], change)
		opened, err := receiver.Open(received)
		if bytes.Equal(received, sealed) != (err == nil) {
			t.Fatalf("sealed %x, received %x: %v", sealed, received, err)
		}
		if err == nil && !bytes.Equal(opened, message) {
			t.Fatalf("sealed %q, opened %q", message, opened)
		}
	})
}
