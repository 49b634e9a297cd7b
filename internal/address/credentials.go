package address

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// maxString is the length of the longest string in MQTT, bytes
// (MQTT 3.1.1 section 1.5.3).
const maxString = 65535

// userField is what a program in Go sets to give a user.
const userField = setting.Field("Config.Username")

// WithCredentials returns a with username and password for its brokers. With
// one broker, each wins over the one in the address if it is not empty; with
// several, they count for those that have none of their own. What MQTT 3.1.1
// sections 1.5.3 and 3.1.2.9 do not allow is an error, since brokers answer it
// by hanging up.
func (a Address) WithCredentials(username, password string) (Address, error) {
	a.Brokers = slices.Clone(a.Brokers)
	give := (*Broker).lend
	if len(a.Brokers) == 1 {
		give = (*Broker).override
	}
	for i := range a.Brokers {
		give(&a.Brokers[i], username, password)
	}
	used := func(b Broker) bool { return b.Username != "" && b.Password == password }
	if password != "" && username == "" && !slices.ContainsFunc(a.Brokers, used) {
		return Address{}, setting.Errorf("", "there is a password for the broker but no user, which MQTT does not allow: set %v too", userField)
	}
	for i, broker := range a.Brokers {
		which := ""
		if len(a.Brokers) > 1 {
			which = ordinals[i] + " "
		}
		if err := broker.checkCredentials(which); err != nil {
			return Address{}, err
		}
	}
	if err := a.checkTwins(); err != nil {
		return Address{}, err
	}
	return a, nil
}

func (b *Broker) override(username, password string) {
	if username != "" {
		b.Username = username
	}
	if password != "" {
		b.Password = password
	}
}

// lend gives what b has not. A broker does not get to know the password of
// another broker's user.
func (b *Broker) lend(username, password string) {
	switch {
	case b.Username == "" && username != "":
		b.Username, b.Password = username, password
	case b.Username != "" && b.Password == "" && (username == "" || username == b.Username):
		b.Password = password
	}
}

// checkCredentials checks what MQTT allows. which says which broker of several
// it is about.
func (b Broker) checkCredentials(which string) error {
	switch {
	case !utf8.ValidString(b.Username) || strings.ContainsRune(b.Username, 0):
		return setting.Errorf("", "the user for the "+which+"broker is not UTF-8 or holds a NUL, which MQTT does not allow: correct %v or the address", userField)
	case len(b.Username) > maxString || len(b.Password) > maxString:
		return setting.Errorf("", "the user or the password for the "+which+"broker has more than %d bytes, the limit of MQTT: shorten it", maxString)
	}
	return nil
}
