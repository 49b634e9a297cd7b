package address

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// maxString is the length of the longest string in MQTT, bytes
// (MQTT 3.1.1 section 1.5.3).
const maxString = 65535

// WithCredentials returns a with username and password for the broker. Each
// wins over the one in the address if it is not empty. What MQTT 3.1.1
// sections 1.5.3 and 3.1.2.9 do not allow is an error, since brokers answer it
// by hanging up.
func (a Address) WithCredentials(username, password string) (Address, error) {
	if username != "" {
		a.Username = username
	}
	if password != "" {
		a.Password = password
	}
	const user = setting.Field("Config.Username")
	switch {
	case a.Password != "" && a.Username == "":
		return Address{}, setting.Errorf("", "there is a password for the broker but no user, which MQTT does not allow: set %v too", user)
	case !utf8.ValidString(a.Username) || strings.ContainsRune(a.Username, 0):
		return Address{}, setting.Errorf("", "the user for the broker is not UTF-8 or holds a NUL, which MQTT does not allow: correct %v or the address", user)
	case len(a.Username) > maxString || len(a.Password) > maxString:
		return Address{}, fmt.Errorf("the user or the password for the broker has more than %d bytes, the limit of MQTT: shorten it", maxString)
	}
	return a, nil
}
