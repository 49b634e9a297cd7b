package address

import (
	"net"
	"testing"
)

func TestAddr(t *testing.T) {
	for _, test := range []struct {
		addr net.Addr
		want string
	}{
		{OfListener("thermostat"), "thermostat:0"},
		{OfListener(""), "mqtt:0"},
		{OfDialer([4]byte{0x01, 0xab, 0, 0xff}), "peer-01ab00ff:0"},
	} {
		if test.addr.String() != test.want || test.addr.Network() != "mqtt" {
			t.Errorf("%s %s, want mqtt %s", test.addr.Network(), test.addr, test.want)
		}
		if _, port, err := net.SplitHostPort(test.addr.String()); err != nil || port != "0" {
			t.Errorf("%s does not split: %v", test.addr, err)
		}
	}
}
