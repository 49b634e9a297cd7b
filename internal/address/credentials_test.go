package address

import (
	"strings"
	"testing"
)

func TestWithCredentials(t *testing.T) {
	for _, test := range []struct{ text, user, password, want string }{
		{"mqtt://h", "", "", ":"},
		{"mqtt://a:b@h", "", "", "a:b"},
		{"mqtt://a:b@h", "c", "d", "c:d"},
		{"mqtt://a@h", "", "d", "a:d"},
		{"mqtt://h", "c", "d", "c:d"},
		{"mqtt://h", "c", "", "c:"},
		{"mqtt://h,mqtt://i", "c", "d", "c:d c:d"},
		{"mqtt://a:b@h,mqtt://i", "c", "d", "a:b c:d"},
		{"mqtt://a:b@h,mqtt://i", "", "", "a:b :"},
		{"mqtt://a@h,mqtt://i", "c", "d", "a: c:d"},
		{"mqtt://a@h,mqtt://i", "a", "d", "a:d a:d"},
		{"mqtt://a@h,mqtt://i", "", "d", "a:d :"},
		{"mqtt://a@h,mqtt://b@i", "", "d", "a:d b:d"},
		{"mqtt://a:b@h,mqtt://b:c@i", "c", "d", "a:b b:c"},
		{"mqtt://a:b@h,mqtt://h", "c", "d", "a:b c:d"},
	} {
		parsed, err := Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		before := fields(parsed)
		a, err := parsed.WithCredentials(test.user, test.password)
		if err != nil || credentials(a) != test.want {
			t.Errorf("%s with %q, %q: %s, %v; want %s", test.text, test.user, test.password, credentials(a), err, test.want)
		}
		if fields(parsed) != before {
			t.Errorf("%s was changed", test.text)
		}
	}
}

// credentials are those of each broker, in clear.
func credentials(a Address) string {
	var texts []string
	for _, broker := range a.Brokers {
		texts = append(texts, broker.Username+":"+broker.Password)
	}
	return strings.Join(texts, " ")
}

func TestCredentialErrors(t *testing.T) {
	long := strings.Repeat("hunter2", 10000)
	for _, test := range []struct{ text, user, password, want string }{
		{"mqtt://h", "", "hunter2", "no user"},
		{"mqtt://h", "hunter2\xff", "", "UTF-8"},
		{"mqtt://hunter2%00@h", "", "", "NUL"},
		{"mqtt://h", long, "", "65535"},
		{"mqtt://h", "u", long, "65535"},
		{"mqtt://h,mqtt://i", "", "hunter2", "no user"},
		{"mqtt://a:b@h,mqtt://i", "", "hunter2", "no user"},
		{"mqtt://h,mqtt://hunter2%00@i", "", "", "the second broker is not UTF-8"},
		{"mqtt://a:b@h,mqtt://i", "u", long, "the second broker has more than"},
		{"mqtt://hunter2@h,mqtt://h", "hunter2", "", "its second broker is the same as its first"},
	} {
		parsed, err := Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parsed.WithCredentials(test.user, test.password)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want one that contains %q", test.text, err, test.want)
		}
	}
}
