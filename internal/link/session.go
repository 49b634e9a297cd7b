package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

const (
	// filtersPerSubscribe is how many filters go into one SUBSCRIBE. AWS IoT takes no more than 8.
	filtersPerSubscribe = 8

	// clientIDSize is the length of a client identifier. Every broker takes up to 23 letters and digits (MQTT 3.1.1, section
	// 3.1.3.1); 23 at random never meet another client's, which the broker would disconnect.
	clientIDSize = 23

	// pahoPatience bounds the wait for paho's goroutines, which end without waiting for the network.
	pahoPatience = 5 * time.Second
)

var errNoAnswer = errors.New("the broker did not answer")

// mqttSession is the MQTT session of one connection, kept by paho. The run loop owns it.
type mqttSession struct {
	client     paho.Client
	connection *connection
}

// openSession sends CONNECT and waits for CONNACK. After an error paho is gone, and the connection is over.
func openSession(ctx context.Context, c *connection, address *address.Address) (*mqttSession, error) {
	options := paho.NewClientOptions().
		AddBroker("tcp://unused"). // paho wants one, and hands it to the function below
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return c.session, nil }).
		SetProtocolVersion(4). // else a failure would make paho speak MQTT 3.1 from then on
		SetClientID(rand.Text()[:clientIDSize]).
		SetCleanSession(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetKeepAlive(keepAliveInterval).
		SetUsername(address.Username).
		SetPassword(address.Password)
	s := &mqttSession{client: paho.NewClient(options), connection: c}
	token := s.client.Connect()
	err := s.await(ctx, token, "CONNECT")
	if err != nil {
		// A refusal that the reader has seen is the better reason, and stays.
		c.shut(err)
		err = fmt.Errorf("MQTT handshake with the broker at %s: %w", address.Host, foreignSession(address.Scheme, c.inbound.first(), c.err))
		c.session.Close()
		<-token.Done()
		if token.Error() == nil {
			s.close() // else paho runs nothing, and would look for it for as long as it may
		}
		return nil, err
	}
	return s, nil
}

// await waits for the broker's answer.
func (s *mqttSession) await(ctx context.Context, token paho.Token, request string) error {
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-s.connection.failed:
		return s.connection.err
	case <-ctx.Done():
		return ErrClosed
	case <-timer.C:
		return fmt.Errorf("%w %s within %v", errNoAnswer, request, answerTimeout)
	}
}

// subscribe subscribes to filters with QoS 0 and returns those that the broker refused, also if it hung up afterwards.
func (s *mqttSession) subscribe(ctx context.Context, filters []string) (refused []string, err error) {
	var tokens []paho.Token
	for chunk := range slices.Chunk(filters, filtersPerSubscribe) {
		request := make(map[string]byte)
		for _, filter := range chunk {
			request[filter] = 0
		}
		tokens = append(tokens, s.client.SubscribeMultiple(request, nil))
	}
	for _, token := range tokens {
		if err = s.await(ctx, token, "SUBSCRIBE"); err != nil {
			break
		}
	}
	return s.connection.session.takeRefused(), err
}

// unsubscribe ends subscriptions. Nobody waits for the answer.
func (s *mqttSession) unsubscribe(filters []string) {
	for chunk := range slices.Chunk(filters, filtersPerSubscribe) {
		s.client.Unsubscribe(chunk...)
	}
}

// close makes paho write DISCONNECT and end its goroutines.
func (s *mqttSession) close() {
	s.client.Disconnect(uint(pahoPatience.Milliseconds()))
}
