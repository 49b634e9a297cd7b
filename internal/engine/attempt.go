package engine

import (
	"crypto/rand"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// firstRepeat is when a hello is sent again; the waits double up to maxRepeat.
	firstRepeat = 250 * time.Millisecond
	maxRepeat   = 2 * time.Second
	// refusalWait is how long a refusal waits for another listener's answer.
	refusalWait = time.Second
	// maxAttempts is how many hellos wait for an answer: one is made each 5 s by default, and a
	// round trip may take 20 s.
	maxAttempts = 6
	// earlierWait is how long the first answer waits for one by an earlier broker of the address, which
	// is preferred: about what brokers that are equally far differ by.
	earlierWait = 25 * time.Millisecond
	// maxCorrections is how often a dial takes the time from a listener.
	maxCorrections = 3
)

// maxEvents bounds what waits for a dial; one more is dropped: an answer comes again with the
// next repetition, and a link that came up is used by that.
const maxEvents = 16

// An event is an authenticated answer to a dial, or that a link came up meanwhile.
type event struct {
	id   [8]byte
	m    handshake.Message // nil: the link came up
	from *uplink           // that it came by
	now  time.Time
}

// A dial is an attempt to reach the listener under a name. Its fields belong
// to the goroutine that called Dial; only events is shared.
type dial struct {
	engine    *Engine
	name      string
	keys      *name
	protocols []string
	keepAlive time.Duration // the Conn's
	attempts  []*attempt    // the last maxAttempts: answers to the ones before may be on their way
	wait      time.Duration // between the last hello and the next
	repeatAt  time.Time     // when to send the next
	fixes     int           // corrections of the time so far
	refusal   error         // the first one
	refused   <-chan time.Time
	agreed    *agreed // the first answer that fits, while it waits for one by an earlier broker
	decided   <-chan time.Time
	echoes    []echo            // at most one for each link
	echoed    bool              // they were sent
	second    handshake.Message // another listener's answer meanwhile; nil: there was none

	events chan event // filled by the links
}

// tell hands an event to the dial.
func (d *dial) tell(ev event) {
	select {
	case d.events <- ev:
	default:
	}
}

// An attempt is one hello, sent several times.
type attempt struct {
	id        [8]byte
	initiator *handshake.Initiator
	hello     handshake.Hello
	offset    time.Duration // of the name when it was made
	made      time.Time     // by the monotonic clock
	sent      time.Time     // when last sent
	count     int
}

// begin makes a new hello, with a fresh ephemeral key, and sends it.
func (d *dial) begin() error {
	e := d.engine
	a := &attempt{id: random8(), made: time.Now()}
	e.mu.Lock()
	offset := d.keys.offset
	e.mu.Unlock()
	initiator, hello, err := d.keys.Initiate(rand.Reader, handshake.Offer{
		ID: a.id, Inbox: e.inbox, Time: at(e.config.wall(), offset), TokenHash: handshake.TokenHash(e.tokens.Token(a.id)),
		MaxMessageSize: e.messageSize(), Links: uint8(len(e.uplinks)), Protocols: d.protocols,
	})
	if err != nil {
		return err
	}
	a.initiator, a.hello, a.offset = initiator, hello, offset
	d.keep(a)
	d.wait = firstRepeat
	d.send(a)
	return nil
}

// at adds the offset of a name to our clock, as the hello's field can tell it: TIME is
// believed only with the time that was told.
func at(wall time.Time, offset time.Duration) time.Time {
	return time.Unix(0, wall.UnixNano()+int64(offset))
}

// keep registers an attempt in place of the oldest.
func (d *dial) keep(a *attempt) {
	e := d.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(d.attempts) == maxAttempts {
		delete(e.dials, d.attempts[0].id)
		d.attempts = d.attempts[1:]
	}
	d.attempts = append(d.attempts, a)
	e.dials[a.id] = d
}

// end sees to it that no more events come.
func (d *dial) end() {
	e := d.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range d.attempts {
		delete(e.dials, a.id)
	}
}

func (d *dial) send(a *attempt) {
	a.sent = time.Now()
	a.count++
	d.repeatAt = a.sent.Add(d.wait)
	if renew := a.made.Add(d.life()); renew.Before(d.repeatAt) {
		d.repeatAt = renew
	}
	d.engine.toName(d.keys, a.over)
}

// over is the hello as it goes out over a link.
func (a *attempt) over(link uint8) handshake.Message {
	hello := a.hello
	hello.Link = link
	return hello
}

// cameUp says hello over a link that came up after the others.
func (d *dial) cameUp(u *uplink) {
	a := d.attempts[len(d.attempts)-1]
	a.count++
	u.toName(d.keys, a.over(u.number))
}

// life is for how long a hello is repeated before a new one takes its place.
func (d *dial) life() time.Duration { return max(d.engine.config.TimeWindow/2, firstRepeat) }

// repeat sends the hello again, or a new one once half of the time window has
// passed.
func (d *dial) repeat() error {
	a := d.attempts[len(d.attempts)-1]
	if time.Since(a.made) >= echoAfter {
		d.listenToOurselves()
	}
	if time.Since(a.made) >= d.life() {
		return d.begin()
	}
	d.wait = min(2*d.wait, maxRepeat)
	d.send(a)
	return nil
}
