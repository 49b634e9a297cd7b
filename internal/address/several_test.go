package address

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseSeveral(t *testing.T) {
	mqtt := func(host string) Broker { return Broker{Scheme: "mqtt", Host: host + ":1883"} }
	for _, test := range []struct {
		text string
		want Address
	}{
		{"mqtts://a.example,mqtts://u:p@b.example:8884,wss://c.example/mqtt#box", Address{Brokers: []Broker{
			{Scheme: "mqtts", Host: "a.example:8883"},
			{Scheme: "mqtts", Host: "b.example:8884", Username: "u", Password: "p"},
			{Scheme: "wss", Host: "c.example:443", Path: "/mqtt"},
		}, Name: "box", HasName: true}},
		{"mqtt://a,TCP://B", Address{Brokers: []Broker{mqtt("a"), mqtt("b")}}},
		{"mqtt://a,mqtt://b#", Address{Brokers: []Broker{mqtt("a"), mqtt("b")}, HasName: true}},
		{"mqtt://u:,@a,mqtt://v:x,y@b", Address{Brokers: []Broker{
			{Scheme: "mqtt", Host: "a:1883", Username: "u", Password: ","}, {Scheme: "mqtt", Host: "b:1883", Username: "v", Password: "x,y"},
		}}},
		{"ws://a/x,y?z=1,,mqtt://b", Address{Brokers: []Broker{{Scheme: "ws", Host: "a:80", Path: "/x,y?z=1,"}, mqtt("b")}}},
		{"mqtt://a,mqtts://a,ws://a,ws://a/x,mqtt://u@a", Address{Brokers: []Broker{
			mqtt("a"), {Scheme: "mqtts", Host: "a:8883"}, {Scheme: "ws", Host: "a:80", Path: "/mqtt"}, {Scheme: "ws", Host: "a:80", Path: "/x"},
			{Scheme: "mqtt", Host: "a:1883", Username: "u"},
		}}},
		{"mqtt://[::1],mqtt://[::2]:1", Address{Brokers: []Broker{mqtt("[::1]"), {Scheme: "mqtt", Host: "[::2]:1"}}}},
		{brokers(MaxBrokers) + "#x", Address{Brokers: []Broker{
			mqtt("a"), mqtt("b"), mqtt("c"), mqtt("d"), mqtt("e"), mqtt("f"), mqtt("g"), mqtt("h"),
		}, Name: "x", HasName: true}},
	} {
		got, err := Parse(test.text)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("Parse(%q) = %s, %v; want %s", test.text, fields(got), err, fields(test.want))
		}
	}
}

// brokers is an address of n brokers.
func brokers(n int) string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = "mqtt://" + string(rune('a'+i))
	}
	return strings.Join(texts, ",")
}

func TestParseSeveralErrors(t *testing.T) {
	for _, test := range []struct{ text, hint string }{
		{"mqtt://a:0,mqtt://b", "its first broker: its port is 0"},
		{"mqtt://a,mqtt://b:0", "its second broker: its port is 0"},
		{brokers(7) + ",mqtt://h:x", "its eighth broker: what follows"},
		{"mqtt://a,ftp://b", "its second broker: its scheme is unknown"},
		{"mqtt://a,https://b", "its second broker: its scheme is https"},
		{"a,mqtt://b", "its first broker: it has no scheme"},
		{",mqtt://b", "its first broker: it has no scheme"},
		{"mqtt://a,b", "a comma follows its host"},
		{"mqtt://a:1,b:1#x", "a comma follows its host"},
		{"mqtt://a,mqtt://b,#x", "its second broker: a comma follows its host"},
		{"mqtt://a,,mqtt://b#x", "its first broker: a comma follows its host"},
		{"mqtt://[::1],[::2]", "a comma follows its host"},
		{"mqtts://a/x,mqtt://b", "its first broker: it has a path"},
		{"mqtt://a#x,mqtt://b#x", "its first broker: a # follows it; the #name stands once, at the end"},
		{"mqtt://a#,mqtt://b", "its first broker: a # follows it"},
		{"mqtt://a,mqtt://b#x,mqtt://c", "its second broker: a # follows it"},
		{"mqtt://u:p#w@a,mqtt://b", "its first broker: an @ follows its first"},
		{"mqtt://a,mqtt://b#x!", "what follows # is not a name"},
		{"mqtt://a, mqtt://b", "a space before a broker"},
		{"mqtt://a ,mqtt://b", "a space before a broker"},
		{"mqtt://a mqtt://b", "a space before a broker"},
		{"mqtt://a\n,mqtt://b", "a space before a broker"},
		{" mqtt://a", "a space before a broker"},
		{"mqtt://a,mqtt://a#x", "its second broker is the same as its first"},
		{"mqtt://b,mqtt://u:p@a,tcp://u:q@A:1883", "its third broker is the same as its second"},
		{"ws://a,ws://a/mqtt", "its second broker is the same as its first"},
		{brokers(MaxBrokers + 1), "it names 9 brokers"},
	} {
		got, err := Parse(test.text)
		if err == nil || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("Parse(%q): error %v, want one that contains %q", test.text, err, test.hint)
		}
		if !reflect.DeepEqual(got, Address{}) {
			t.Errorf("Parse(%q) returned an address along with an error", test.text)
		}
	}
}
