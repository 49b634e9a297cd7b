package link

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

const (
	// filtersPerSubscribe is how many filters go into one SUBSCRIBE. AWS IoT takes no more than 8.
	filtersPerSubscribe = 8

	// clientIDSize is the length of a client identifier. Every broker takes up to 23 letters and digits (MQTT 3.1.1, section
	// 3.1.3.1); 23 at random never meet another client's, which the broker would disconnect.
	clientIDSize = 23
)

var errNoAnswer = errors.New("the broker did not answer")

// subscribing is a round of SUBSCRIBE packets. The reader owns it until answered is closed or the connection has ended.
type subscribing struct {
	filters  map[uint16][]string // of the packets without SUBACK, by packet identifier
	refused  []string
	answered chan struct{} // closed after the last SUBACK
}

// subAck takes the body of a SUBACK, which must have one return code for each filter (section 3.9). s may be nil.
func (s *subscribing) subAck(body []byte) error {
	if len(body) < 3 {
		return fmt.Errorf("%w: SUBACK of %d bytes", errMalformed, len(body))
	}
	id, codes := binary.BigEndian.Uint16(body), body[2:]
	if s == nil || len(s.filters[id]) != len(codes) {
		return fmt.Errorf("%w: SUBACK %d with %d return codes answers nothing", errMalformed, id, len(codes))
	}
	for i, code := range codes {
		switch {
		case Refused(code) == RefusedSubscription:
			s.refused = append(s.refused, s.filters[id][i])
		case code > 2:
			return fmt.Errorf("%w: SUBACK with return code %#02x", errMalformed, code)
		}
	}
	if delete(s.filters, id); len(s.filters) == 0 {
		close(s.answered)
	}
	return nil
}

// login sends CONNECT and waits for CONNACK. After an error the connection is over.
func (c *connection) login(broker *address.Broker) error {
	err := c.ask(encode(connectPacket(broker)), c.inbound.accepted, "CONNECT")
	if err == nil {
		return nil
	}
	c.shut(err) // unless the reader has seen a refusal, which is the better reason
	return fmt.Errorf("MQTT handshake with the broker at %s: %w", broker.Host, foreignSession(broker.Scheme, c.inbound.first(), c.err))
}

func connectPacket(broker *address.Broker) *packets.ConnectPacket {
	p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion, p.CleanSession = "MQTT", 4, true // MQTT 3.1.1
	p.Keepalive = uint16(keepAliveInterval.Seconds())
	p.ClientIdentifier = rand.Text()[:clientIDSize]
	p.UsernameFlag, p.Username = broker.Username != "", broker.Username
	p.PasswordFlag, p.Password = broker.Password != "", []byte(broker.Password)
	return p
}

// subscribe subscribes to filters with QoS 0 and returns those that the broker refused, also if it hung up afterwards: after
// an error the connection is over, unless the link is being closed.
func (c *connection) subscribe(filters []string) (refused []string, err error) {
	s := &subscribing{filters: make(map[uint16][]string), answered: make(chan struct{})}
	var request []byte
	for chunk := range slices.Chunk(filters, filtersPerSubscribe) {
		p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
		p.MessageID, p.Topics, p.Qoss = c.nextID(), chunk, make([]byte, len(chunk))
		s.filters[p.MessageID] = chunk
		request = append(request, encode(p)...)
	}
	c.inbound.subscribing.Store(s)
	err = c.ask(request, s.answered, "SUBSCRIBE")
	if err == ErrClosed {
		return nil, err
	}
	if err != nil {
		c.shut(err)
	}
	unanswered := slices.Concat(slices.Collect(maps.Values(s.filters))...)
	for _, filter := range filters {
		if !slices.Contains(s.refused, filter) && !slices.Contains(unanswered, filter) {
			c.subscribed[filter] = true
		}
	}
	if hungUp(err) {
		err = fmt.Errorf("while subscribing: %w: if that happens again, %s", err, checkSubscriptions(len(c.subscribed)))
	}
	return s.refused, err
}

// unsubscribe ends subscriptions. Nobody waits for the answer.
func (c *connection) unsubscribe(filters []string) {
	for chunk := range slices.Chunk(filters, filtersPerSubscribe) {
		p := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
		p.MessageID, p.Topics = c.nextID(), chunk
		c.inbound.unsubscribes.Add(1)
		c.outbound.push(encode(p))
	}
	for _, filter := range filters {
		delete(c.subscribed, filter)
	}
}

// nextID returns a packet identifier, which is never 0 (section 2.3.1).
func (c *connection) nextID() uint16 {
	c.lastID = c.lastID%0xFFFF + 1
	return c.lastID
}

// ask hands packets to the writer and waits for the broker's answer.
func (c *connection) ask(request []byte, answered <-chan struct{}, name string) error {
	c.outbound.push(request)
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case <-answered:
		return nil
	case <-c.failed:
		return c.err
	case <-c.link.ctx.Done():
		return ErrClosed
	case <-timer.C:
		return fmt.Errorf("%w %s within %v", errNoAnswer, name, answerTimeout)
	}
}

// encode returns a packet as it is sent.
func encode(packet interface{ Write(io.Writer) error }) []byte {
	var b bytes.Buffer
	packet.Write(&b) // which takes everything
	return b.Bytes()
}
