package link

import (
	"strings"
	"testing"
	"time"
)

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		// The examples of MQTT 3.1.1, section 4.7.
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"#", "sport/tennis", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/monitor", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/monitor", true},
		{"a/b", "a/b", true},
		{"a/b", "a", false},
		{"a", "a/b", false},
		{"a/+/c", "a//c", true},
		{"a/#", "ab", false},
		// What a hostile broker may send.
		{"#", "", false},
		{"a/#", "a/+", false},
		{"a/#", "a/#", false},
		{"a/#", "a/\x00", false},
	} {
		if got := matches(test.filter, []byte(test.topic)); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.filter, test.topic, got)
		}
	}
}

// naiveMatches is the definition, level by level.
func naiveMatches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.ContainsAny(topic, "+#\x00") || topic == "" || topic[0] == '$' && f[0] != t[0] {
		return false
	}
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i == len(t), level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}

func FuzzMatches(f *testing.F) {
	f.Add("a/+/c/#", "a/b/c/d")
	f.Add("#", "$SYS")
	f.Add("+/", "/")
	f.Fuzz(func(t *testing.T, filter, topic string) {
		if !validFilter(filter) {
			return
		}
		if got, want := matches(filter, []byte(topic)), naiveMatches(filter, topic); got != want {
			t.Errorf("matches(%q, %q) = %v", filter, topic, got)
		}
	})
}

func TestExactTopicsComeFirstAndFindingDoesNotAllocate(t *testing.T) {
	var called string
	handler := func(name string) Handler { return func([]byte, []byte, time.Time) { called = name } }
	r := newRoutes(map[string]*subscription{
		"a/#": {handler: handler("wildcard")},
		"a/b": {handler: handler("exact")},
	})
	exact, wildcard := []byte("a/b"), []byte("a/c")
	if r.find(exact)(nil, nil, time.Time{}); called != "exact" {
		t.Errorf("a/b goes to %s", called)
	}
	if r.find(wildcard)(nil, nil, time.Time{}); called != "wildcard" {
		t.Errorf("a/c goes to %s", called)
	}
	if r.find([]byte("b")) != nil {
		t.Error("b has a handler")
	}
	if allocations := testing.AllocsPerRun(100, func() { r.find(exact); r.find(wildcard) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// TestRenamedTopicsAreCounted has a broker that rewrites the prefix of a topic, and sends others that are not ours at all.
func TestRenamedTopicsAreCounted(t *testing.T) {
	const tail, other = "abcdefghijklmnopqrstuv", "bbcdefghijklmnopqrstuv"
	scripted(t, func(t *testing.T, l *testLink, broker *script) {
		l.mustSubscribe(t, "ours.of.us/"+tail, "short")
		go broker.accept("")
		l.mustConnect(t)
		for _, topic := range []string{"ours/of/us/" + tail, tail, "ours/of/us/" + other, "ours.of.us/" + other, "a/short", "ours.of.us/", ""} {
			broker.send(appendPublish(nil, 0, topic, []byte("x"))...)
		}
		broker.send(appendPublish(nil, 0, "ours.of.us/"+tail, []byte("last"))...)
		l.want(t, "ours.of.us/"+tail, "last")
		if stats := l.Stats(); stats.Renamed != 2 || stats.Dropped != 7 {
			t.Errorf("%+v; want 2 renamed of 7 dropped", stats)
		}
		topic := []byte("ours/of/us/" + tail)
		if n := testing.AllocsPerRun(100, func() { l.routes.Load().renamed(topic) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
