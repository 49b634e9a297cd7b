package message

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

var testFleet = mqtte2e.Key{16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}

func deviceKey(name string) mqtte2e.Key {
	key, err := testFleet.Device(name)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return key
}

// fleet dials the controller of devices of testFleet.
func (d dialer) fleet(names ...string) *Session {
	return d.dial(Config{Fleet: testFleet, Devices: names, Publish: "controller", Subscribe: "iot/#"})
}

// TestFleet: a controller that names its devices knows who spoke, whatever the topic says, and reaches one or all.
func TestFleet(t *testing.T) {
	run(t, func(d dialer) {
		names := []string{"kitchen", "Garage", "attic.2"}
		controller := d.fleet(names...)
		var devices []*Session
		for _, name := range names {
			devices = append(devices, d.device("same-name", deviceKey(name)))
		}
		d.send(controller, "to all")
		for i, device := range devices {
			d.want(device, "to all")
			d.send(device, fmt.Sprint("from ", i))
			m := d.want(controller, fmt.Sprint("from ", i))
			if m.Device != names[i] || m.Key != deviceKey(names[i]) {
				d.Errorf("device %q spoke under %v, told as %q", names[i], m.Key, m.Device)
			}
			if err := controller.SendTo(d.Context(), m.Key, []byte("an answer")); err != nil {
				d.Error(err)
			}
			d.want(device, "an answer")
		}
		for i := range devices {
			d.wantNothing(devices[i])
		}
		for _, key := range []mqtte2e.Key{testFleet, deviceKey("cellar")} {
			if err := controller.SendTo(d.Context(), key, nil); err == nil {
				d.Errorf("sent under %v, which is no key of the Session's devices", key)
			}
		}
		d.wantStats(controller, Stats{Sent: 6, Received: 3})
	})
}

// TestFleetAndOtherKeys: devices that have keys of their own from elsewhere are served beside the fleet's.
func TestFleetAndOtherKeys(t *testing.T) {
	run(t, func(d dialer) {
		controller := d.dial(Config{Keys: []mqtte2e.Key{testKey}, Fleet: testFleet, Devices: []string{"kitchen"}, Publish: "controller", Subscribe: "iot/#"})
		for name, key := range map[string]mqtte2e.Key{"": testKey, "kitchen": deviceKey("kitchen")} {
			d.send(d.device("x", key), "hello")
			if m := d.want(controller, "hello"); m.Device != name || m.Key != key {
				d.Errorf("device %q, key %v, want %q, %v", m.Device, m.Key, name, key)
			}
		}
	})
}

// everyPacket seals, under key and at testTime, what a holder of it can: messages of every kind of size, with padding and without, all
// that SendBogus makes, and what is wrong inside.
func everyPacket(t *testing.T, key mqtte2e.Key) (packets [][]byte) {
	t.Helper()
	now := func() time.Time { return testTime }
	for _, pad := range []int{-1, 0, MaxMessageSize} {
		codec := &Codec{Key: key, PadSize: pad, Now: now}
		for _, size := range []int{0, 1, 49, 50, 51, 1000, MaxMessageSize} {
			packets = append(packets, mustSeal(t, codec, strings.Repeat("m", size)))
		}
		for _, part := range bogusParts(&peer{codec: codec}, []byte("ping")) {
			room := make([]byte, MaxPacketSize)
			n, err := part.fill(room)
			if err != nil {
				t.Fatal(err)
			}
			packets = append(packets, room[:n])
		}
	}
	for _, plain := range []string{"\x00\x00\x04ping", "\x01\x00\x03ping", "\x01\x00\x04ping\x00\x00\x01", "\xff\xff\xff"} {
		packets = append(packets, sealPlain(&Codec{Key: key}, testTime, plain))
	}
	return packets
}

// TestDeviceKeyOpensNothingElse tries every packet of every key of two fleets, the fleets' own included, with every other key. Each is
// forged to it: not even that a packet is of another version or an old one is told.
func TestDeviceKeyOpensNothingElse(t *testing.T) {
	kitchen := deviceKey("kitchen")
	below, err := kitchen.Device("kitchen") // somebody takes a device's key for a fleet's
	if err != nil {
		t.Fatal(err)
	}
	holders := []mqtte2e.Key{testFleet, kitchen, deviceKey("garage"), deviceKey("kitchen2"), below, testKey}
	for _, sealing := range holders {
		packets := everyPacket(t, sealing)
		for _, opening := range holders {
			codec := &Codec{Key: opening, Now: func() time.Time { return testTime }}
			opened := 0
			for _, packet := range packets {
				_, err := codec.Open(packet)
				if err == nil {
					opened++
				}
				if sealing != opening && len(packet) >= Overhead && !errors.Is(err, ErrForged) {
					t.Fatalf("%v learns of a packet of %d bytes under %v: %v", opening, len(packet), sealing, err)
				}
			}
			if want := 24; sealing == opening && opened != want {
				t.Errorf("%d of %d packets open under their own key, want %d", opened, len(packets), want)
			}
			if sealing != opening && (opened > 0 || Topic(sealing, "x") == Topic(opening, "x") || len(codec.seen.seen) > 0) {
				t.Errorf("%v opens %d packets of %v, or has its topic, or remembers some", opening, opened, sealing)
			}
		}
	}
}

// TestStolenDevice: who has the garage's key, and sees every topic, is the garage to the controller and nobody to other devices, wherever
// the broker delivers what it seals.
func TestStolenDevice(t *testing.T) {
	run(t, func(d dialer) {
		kitchen, controller := d.device("kitchen", deviceKey("kitchen")), d.fleet("kitchen", "garage")
		stolen := &Codec{Key: deviceKey("garage"), PadSize: -1}
		for _, topic := range []string{Topic(deviceKey("kitchen"), "controller"), Topic(deviceKey("kitchen"), "iot/kitchen")} {
			d.publish(topic, mustSeal(t, stolen, "open the door"))
		}
		d.wantStats(kitchen, Stats{Forged: 1})
		d.wantStats(controller, Stats{Forged: 1})
		d.publish(Topic(stolen.Key, "iot/kitchen"), mustSeal(t, stolen, "closed"))
		if m := d.want(controller, "closed"); m.Device != "garage" {
			d.Errorf("told as %q, want the garage", m.Device)
		}
	})
}

// TestFleetIsNotPrinted: the log and every verb have names of devices, and neither the fleet's key nor one of theirs.
func TestFleetIsNotPrinted(t *testing.T) {
	run(t, func(d dialer) {
		var text bytes.Buffer
		config := Config{Fleet: testFleet, Devices: []string{"kitchen", "garage"}, Subscribe: "iot/#", Logger: slog.New(slog.NewTextHandler(&text, nil))}
		s := d.dial(config)
		d.publish(Topic(deviceKey("kitchen"), "iot/x"), make([]byte, Overhead))
		if !strings.Contains(text.String(), "peer=kitchen") {
			d.Errorf("the log does not say on whose topic a packet was refused: %s", &text)
		}
		config.Logger.Info("the config is", "config", config)
		fmt.Fprintf(&text, "%v %+v %#v %x %d %v\n", config, config, config, config, config, s)
		if got := fmt.Sprint(s); got != "message.Session{Peers: kitchen garage}" {
			d.Errorf("the Session prints as %s", got)
		}
		for _, key := range []mqtte2e.Key{testFleet, deviceKey("kitchen"), deviceKey("garage")} {
			for _, form := range []string{key.Hex(), string(key[:]), strings.Trim(fmt.Sprint(key[:]), "[]")} {
				if strings.Contains(text.String(), form) {
					d.Errorf("%v was printed:\n%s", key, &text)
				}
			}
		}
	})
}

// TestWorkedDevice computes the keys of a fleet that SPEC.md, beside this file, shows.
func TestWorkedDevice(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	fleet := mqtte2e.Key(mustDecode(t, "d6f2aa3c5b1e47908f13c46d20b97e58"))
	spec := strings.Join(strings.Fields(string(text)), "")
	key, err := fleet.Device("esp32x")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{fleet.Hex(), key.Hex(), Topic(key, "iot/esp32x")} {
		if !strings.Contains(spec, value) {
			t.Errorf("SPEC.md lacks %s", value)
		}
	}
}
