package address

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("n", MaxName)
	for _, test := range []struct {
		text string
		want Address
	}{
		{"mqtt://broker.example#thermostat", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "broker.example:1883"}}, Name: "thermostat", HasName: true}},
		{"mqtts://user:p%40ss@broker.example:8884#thermostat", Address{Brokers: []Broker{{Scheme: "mqtts", Host: "broker.example:8884", Username: "user", Password: "p@ss"}}, Name: "thermostat", HasName: true}},
		{"wss://broker.example/mqtt#thermostat", Address{Brokers: []Broker{{Scheme: "wss", Host: "broker.example:443", Path: "/mqtt"}}, Name: "thermostat", HasName: true}},
		{"tcp://h", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "h:1883"}}}},
		{"ssl://h", Address{Brokers: []Broker{{Scheme: "mqtts", Host: "h:8883"}}}},
		{"tls://h", Address{Brokers: []Broker{{Scheme: "mqtts", Host: "h:8883"}}}},
		{"MQTTS://H.Example#Name", Address{Brokers: []Broker{{Scheme: "mqtts", Host: "h.example:8883"}}, Name: "name", HasName: true}},
		{"ws://h", Address{Brokers: []Broker{{Scheme: "ws", Host: "h:80", Path: "/mqtt"}}}},
		{"wss://h?token=a,b", Address{Brokers: []Broker{{Scheme: "wss", Host: "h:443", Path: "/mqtt?token=a,b"}}}},
		{"ws://h/", Address{Brokers: []Broker{{Scheme: "ws", Host: "h:80", Path: "/"}}}},
		{"ws://h:1/a%20b?c#d", Address{Brokers: []Broker{{Scheme: "ws", Host: "h:1", Path: "/a%20b?c"}}, Name: "d", HasName: true}},
		{"mqtt://[::1]#x", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "[::1]:1883"}}, Name: "x", HasName: true}},
		{"mqtt://[FE80::1%25eth0]:65535", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "[fe80::1%eth0]:65535"}}}},
		{"mqtt://127.0.0.1:1", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "127.0.0.1:1"}}}},
		{"mqtt://h#", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "h:1883"}}, HasName: true}},
		{"mqtt://h#" + long, Address{Brokers: []Broker{{Scheme: "mqtt", Host: "h:1883"}}, Name: long, HasName: true}},
		{"mqtt://u@h", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "h:1883", Username: "u"}}}},
		{"mqtt://u:a:b,c@d@h", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "h:1883", Username: "u", Password: "a:b,c@d"}}}},
		{"mqtt://a%2Fb:%23%3f@h", Address{Brokers: []Broker{{Scheme: "mqtt", Host: "h:1883", Username: "a/b", Password: "#?"}}}},
	} {
		got, err := Parse(test.text)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("Parse(%q) = %s, %v; want %s", test.text, fields(got), err, fields(test.want))
		}
	}
}

// fields says everything about an address, which Format does not.
func fields(a Address) string {
	type plain Broker
	text := fmt.Sprintf("#%s (%v)", a.Name, a.HasName)
	for _, broker := range a.Brokers {
		text += fmt.Sprintf(" %#v", plain(broker))
	}
	return text
}

// bad lists texts that are not addresses, each with a part of its own error
// that no other kind of mistake shares.
var bad = []struct{ text, hint string }{
	{"", "it is empty"},
	{"mqtt://::1", "more than one colon"},
	{"mqtt://::1:1883#x", "put an IPv6 address in brackets"},
	{"host:1883", "what stands before its colon is not a scheme"},
	{"host#x", "it has no scheme"},
	{"host", "it has no scheme"},
	{"://host", "it has no scheme"},
	{"mqtt:host", "two slashes are missing"},
	{"mqtt:/host", "two slashes are missing"},
	{"http://h", "write ws://"},
	{"https://h", "write wss://"},
	{"ftp://h", "its scheme is unknown"},
	{"mqtt://h:0#x", "its port is 0"},
	{"mqtt://h:00000", "its port is 0"},
	{"mqtt://h:99999", "above 65535"},
	{"mqtt://h:99999999999999999999999", "above 65535"},
	{"mqtt://h:", "its port is empty"},
	{"mqtt://h:mqtt", "is not a number"},
	{"mqtt://h:-1", "is not a number"},
	{"mqtts://h/name", "only ws:// and wss:// have"},
	{"mqtts://h/", "as in mqtts://broker.example#thermostat"},
	{"mqtt://h?name", "only ws:// and wss:// have"},
	{"mqtt://#x", "it names no broker"},
	{"mqtt://", "it names no broker"},
	{"mqtt://:1883", "it names no broker"},
	{"mqtt://user@", "it names no broker"},
	{"mqtt://@h", "an @ without a user"},
	{"mqtt://:password@h", "an @ without a user"},
	{"mqtt://us er@h", "a space"},
	{"mqtt://h#na\nme", "a control character"},
	{"ws://me\u0085@h/mqtt", "a control character"},
	{"mqtt://[::1", "is not closed"},
	{"mqtt://[::1]1883", "follows the bracket"},
	{"mqtt://[1.2.3.4]", "is not an IPv6 address"},
	{"mqtt://[fe80::1%25a/b]", "is not closed"},
	{"mqtt://[fe80::1%25a+b]", "is not an IPv6 address"},
	{"mqtt://bröker.example", "xn--"},
	{"mqtt://a;b", "a character that no host name has"},
	{"mqtt://" + strings.Repeat("a", 254), "longer than 253"},
	{"mqtt://u:%zz@h", "its user or password has a %"},
	{"ws://h/%zz", "its path has a %"},
	{"mqtt://h#na me", "a space"},
	{"mqtt://h#name!", "byte 5 cannot stand in a name"},
	{"mqtt://h#" + strings.Repeat("n", MaxName+1), "at most 63 bytes"},
	{"mqtt://user:pass#word@h", "an @ follows its first"},
	{"mqtt://user:pass/word@h", "an @ follows its first"},
}

func TestParseErrors(t *testing.T) {
	for _, test := range bad {
		got, err := Parse(test.text)
		if err == nil || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("Parse(%q): error %v, want one that contains %q", test.text, err, test.hint)
		}
		if !reflect.DeepEqual(got, Address{}) {
			t.Errorf("Parse(%q) returned an address along with an error", test.text)
		}
	}
}

func TestErrorsQuoteNoPassword(t *testing.T) {
	const user, password = "ulrike77", "hunter2secret"
	for _, pattern := range []string{
		"mqtt://%s:%s@::1", "mqtt://%s:%s@h:0", "mqtt://%s:%s@h:99999", "mqtt://%s:%s@h/x", "mqtt://%s:%s@#x", "mqtt://%s:%s@h#!",
		"mqtt://%s:%s", "%s:%s@h", "mqtt:%s:%s@h", "http://%s:%s@h", "mqtt://%s:%s%%zz@h", "mqtt://%s%%:%s@h", "mqtt://%s:/%s@h", "mqtt://%s:#%s@h",
		"mqtt://%s:?%s@h", "mqtt://%s: %s@h", "mqtt://%s:%s@h,mqtt://i:0", "mqtt://%s:%s@h,mqtt://%[1]s:%[2]s@h", "mqtt://h,mqtt://%s:%s,mqtt://i", "mqtt://%s:%s@h#x,mqtt://i", "mqtt://%s:%s@h mqtt://i",
		"mqtt://%s:%s,x@h,y", "ws://%s:%s@h/%%zz", "mqtt://h/%s:%s", "%s://%s@h", "%s+:%s://h",
		"mqtt://%s#%s!", "mqtt://%s:12#%s!", "ws://%s/%s%%", "mqtt://[%s%s]", "mqtt://%s.%s:x",
	} {
		text := fmt.Sprintf(pattern, user, password)
		_, err := Parse(text)
		if err == nil {
			t.Errorf("Parse(%q) succeeded", text)
			continue
		}
		if message := fmt.Sprintf("%+v %#v", err, err); strings.Contains(message, user) || strings.Contains(message, password) {
			t.Errorf("Parse(%q): the error repeats user or password: %s", text, message)
		}
	}
}

func TestAddressShowsNoSecret(t *testing.T) {
	a, err := Parse("wss://ulrike77:hunter2@h/mqtt?token=t0ken,mqtts://ulrike78:hunter3@i#x")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{a, &a, a.Brokers, a.Brokers[1], &a.Brokers[0]} {
		leaktest.Secrets(t, value, "ulrike77", "hunter2", "t0ken", "ulrike78", "hunter3")
	}
	if got := a.String(); got != "wss://h:443,mqtts://i:8883" {
		t.Errorf("String() = %q", got)
	}
}

// write is the inverse of Parse.
func write(a Address) (text string) {
	for i, broker := range a.Brokers {
		if i > 0 {
			text += ","
		}
		text += broker.Scheme + "://"
		if broker.Username != "" {
			text += url.PathEscape(broker.Username) + ":" + url.PathEscape(broker.Password) + "@"
		}
		text += strings.Replace(broker.Host, "%", "%25", 1) + broker.Path
	}
	if a.HasName {
		text += "#" + a.Name
	}
	return text
}

// FuzzParse checks that what Parse accepts can be written down again and then
// means the same, and that all of its fields keep to their forms.
func FuzzParse(f *testing.F) {
	for _, test := range bad {
		f.Add(test.text)
	}
	for _, text := range []string{
		"mqtt://broker.example#thermostat", "mqtts://user:p%40ss@broker.example:8883#thermostat", "wss://broker.example/mqtt#thermostat",
		"ssl://[fe80::1%25eth0]:1", "ws://h?a=b", "ws://h/a%20b", "tcp://u:a:b@c@h#", "mqtt://h:01883",
		"mqtt://a,mqtts://u:p@b:1,wss://c/x,y,ws://d?e=,f#n", "ws://h/,,tcp://u:,@h",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(write(a))
		if err != nil || !reflect.DeepEqual(again, a) {
			t.Fatalf("Parse(%q) = %s; written as %q: %s, %v", text, fields(a), write(a), fields(again), err)
		}
		if name, err := ParseName(a.Name); err != nil || name != a.Name {
			t.Fatalf("Parse(%q) gave the name %q: %v", text, a.Name, err)
		}
		if n := len(a.Brokers); n == 0 || n > MaxBrokers {
			t.Fatalf("Parse(%q) gave %d brokers", text, n)
		}
		for _, broker := range a.Brokers {
			if (broker.Path != "") != broker.WebSocket() {
				t.Fatalf("Parse(%q) gave the path %q", text, broker.Path)
			}
		}
	})
}
