package broker

import (
	"crypto/sha256"
	"crypto/subtle"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is what the broker plugs into mochi: who may connect, Config.Publish and Config.Subscribe.
type hook struct {
	mqtt.HookBase
	open                       bool     // no credentials are asked for
	usernameHash, passwordHash [32]byte // hashes, so that comparing takes the same time for every length
	publish                    func(topic string, payload []byte) ([]byte, bool)
	subscribe                  func(filter string) bool
}

func newHook(config Config) *hook {
	return &hook{
		open:         config.Username == "" && config.Password == "",
		usernameHash: sha256.Sum256([]byte(config.Username)),
		passwordHash: sha256.Sum256([]byte(config.Password)),
		publish:      config.Publish,
		subscribe:    config.Subscribe,
	}
}

// ID returns the name of the hook.
func (h *hook) ID() string { return "mqtte2e" }

// Provides tells mochi which of the methods to call.
func (h *hook) Provides(method byte) bool {
	switch method {
	case mqtt.OnConnectAuthenticate, mqtt.OnACLCheck:
		return true
	case mqtt.OnPublish:
		return h.publish != nil
	}
	return false
}

// OnConnectAuthenticate decides on the credentials of a CONNECT.
func (h *hook) OnConnectAuthenticate(_ *mqtt.Client, pk packets.Packet) bool {
	if h.open {
		return true
	}
	username, password := sha256.Sum256(pk.Connect.Username), sha256.Sum256(pk.Connect.Password)
	return subtle.ConstantTimeCompare(username[:], h.usernameHash[:])&
		subtle.ConstantTimeCompare(password[:], h.passwordHash[:]) == 1
}

// OnACLCheck lets every client that has connected publish, and asks Config.Subscribe about the rest.
func (h *hook) OnACLCheck(_ *mqtt.Client, topic string, write bool) bool {
	return write || h.subscribe == nil || h.subscribe(topic)
}

// OnPublish passes a message through Config.Publish.
func (h *hook) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	routed, pass := h.publish(pk.TopicName, pk.Payload)
	if !pass {
		return pk, packets.ErrRejectPacket
	}
	pk.Payload = routed
	return pk, nil
}
