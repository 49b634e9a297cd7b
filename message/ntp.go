package message

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beevik/ntp"
)

const (
	defaultNTPServer = "pool.ntp.org"
	ntpRefresh       = time.Hour        // the original's, and rare enough for a public server
	ntpPause         = 16 * time.Second // the shortest poll interval of RFC 5905 (MINPOLL, section 7.2)
	ntpTimeout       = 5 * time.Second  // of one query; so a slow network's error, half the round trip, stays far below the window

	// ntpJump is how far the system's clock may move against its own monotonic time before the server is asked again: less than
	// the window, more than what slewing does in an hour.
	ntpJump = time.Second
)

// An NTP is a clock that follows a time server and leaves the system's clock alone: give its Now to [Codec] or [Config] where the
// system's clock cannot be trusted. After Start it asks again every hour, and soon after the system slept or its clock was set. Set
// the fields before Start and do not copy an NTP. It is safe for concurrent use.
//
// NTP is not authenticated: whoever sits between here and the server can move this clock, and can then have old packets, recorded at
// the time it is moved to, accepted by a Codec that was made since.
type NTP struct {
	Server string       // host or host:port of a time server. "": pool.ntp.org
	Logger *slog.Logger // nil: silent

	query func(ctx context.Context, server string) (time.Duration, error) // nil: queryNTP. Tests set another

	fix  atomic.Pointer[ntpFix] // nil until the first answer
	jump chan struct{}          // of one: the system's clock jumped, ask again. Full: somebody said so already

	mu      sync.Mutex // guards what follows
	started bool
	stop    context.CancelFunc // ends the refreshing; nil unless it runs
	stopped chan struct{}      // closed when it has ended
}

// An ntpFix is one answer: when the system's clock showed wall, it was behind the true time by offset.
type ntpFix struct {
	at     time.Time // the same moment by the monotonic clock
	wall   time.Time
	offset time.Duration
}

// Start asks the server for the time, again and again until it answers or ctx ends, and then keeps the clock right until Close. The
// error of an ended ctx wraps the last query's as well. An NTP can be started once.
func (n *NTP) Start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.started {
		return errors.New("message: this NTP was started before: make a new one")
	}
	if n.query == nil {
		n.query = queryNTP
	}
	for n.jump = make(chan struct{}, 1); ; {
		err := n.ask(ctx)
		if err == nil {
			break
		}
		if ended := pause(ctx, ntpPause, nil); ended != nil {
			return fmt.Errorf("message: no time from NTP: %w: check the network and UDP port 123: %w", ended, err)
		}
	}
	refreshing, stop := context.WithCancel(context.Background())
	n.started, n.stop, n.stopped = true, stop, make(chan struct{})
	go n.refresh(refreshing)
	return nil
}

// Close ends the refreshing. Now goes on with the last correction.
func (n *NTP) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stop != nil {
		n.stop()
		<-n.stopped
		n.stop = nil
	}
	return nil
}

// Now returns the corrected time. Before Start has succeeded, it is the system's.
func (n *NTP) Now() time.Time {
	now := time.Now()
	fix := n.fix.Load()
	if fix == nil {
		return now
	}
	elapsed := now.Sub(fix.at)
	if drift := now.Round(0).Sub(fix.wall) - elapsed; drift.Abs() > ntpJump {
		select {
		case n.jump <- struct{}{}:
		default:
		}
	}
	// Monotonic time goes on undisturbed when the system's clock is set.
	return fix.wall.Add(fix.offset + elapsed)
}

// refresh runs from Start to Close. Between two queries it always pauses, whatever jumps.
func (n *NTP) refresh(ctx context.Context) {
	defer close(n.stopped)
	for failed := false; pause(ctx, ntpPause, nil) == nil; failed = n.ask(ctx) != nil {
		if !failed && pause(ctx, ntpRefresh-ntpPause, n.jump) != nil {
			return
		}
	}
}

func (n *NTP) ask(ctx context.Context) error {
	server := cmp.Or(n.Server, defaultNTPServer)
	offset, err := n.query(ctx, server)
	log := cmp.Or(n.Logger, slog.New(slog.DiscardHandler))
	if err != nil {
		log.Warn("no time from NTP", "server", server, "error", err)
		return err
	}
	now := time.Now()
	n.fix.Store(&ntpFix{at: now, wall: now.Round(0), offset: offset})
	log.Debug("time from NTP", "server", server, "offset", offset)
	return nil
}

// pause waits, at most until early, and returns ctx's error if it ends before.
func pause(ctx context.Context, wait time.Duration, early <-chan struct{}) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-early:
	case <-timer.C:
	}
	return nil
}

// queryNTP returns what is to be added to the system's clock.
func queryNTP(ctx context.Context, server string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, ntpTimeout)
	defer cancel()
	response, err := ntp.QueryWithOptions(server, ntp.QueryOptions{
		Timeout: ntpTimeout,
		Dialer: func(_, remote string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "udp", remote)
			if err == nil {
				context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		},
	})
	if err == nil {
		err = response.Validate()
	}
	if err != nil {
		return 0, fmt.Errorf("message: NTP server %s: %w", server, err)
	}
	return response.ClockOffset, nil
}
