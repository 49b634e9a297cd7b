package address

import (
	"strings"
	"testing"
)

func TestWithCredentials(t *testing.T) {
	for _, test := range []struct{ text, user, password, wantUser, wantPassword string }{
		{"mqtt://h", "", "", "", ""},
		{"mqtt://a:b@h", "", "", "a", "b"},
		{"mqtt://a:b@h", "c", "d", "c", "d"},
		{"mqtt://a@h", "", "d", "a", "d"},
		{"mqtt://h", "c", "d", "c", "d"},
		{"mqtt://h", "c", "", "c", ""},
	} {
		parsed, err := Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := parsed.WithCredentials(test.user, test.password)
		if err != nil || a.Username != test.wantUser || a.Password != test.wantPassword {
			t.Errorf("%s with %q, %q: %q, %q, %v", test.text, test.user, test.password, a.Username, a.Password, err)
		}
	}
}

func TestCredentialErrors(t *testing.T) {
	long := strings.Repeat("hunter2", 10000)
	for _, test := range []struct{ text, user, password, want string }{
		{"mqtt://h", "", "hunter2", "no user"},
		{"mqtt://h", "hunter2\xff", "", "UTF-8"},
		{"mqtt://hunter2%00@h", "", "", "NUL"},
		{"mqtt://h", long, "", "65535"},
		{"mqtt://h", "u", long, "65535"},
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
