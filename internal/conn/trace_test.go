package conn

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A log keeps what is logged, one line for each record, without its time.
type log struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

// taken returns the lines so far.
func (l *log) taken() string {
	simtest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.lines.Reset()
	return l.lines.String()
}

func (l *log) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// dialerLogs has only the dialer's Conn log.
func dialerLogs(l *log, level slog.Level) func(*Config) {
	return func(c *Config) {
		if c.Life.Dialer {
			c.Logger = l.logger(level)
		}
	}
}

// wantLines compares a log with patterns, line by line, in which ~ stands for the
// Conn's name.
func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	for i, line := range want {
		want[i] = `msg=` + strings.Replace(line, `~`, `conn=peer-abcd0000`, 1) + "\n"
	}
	if !regexp.MustCompile("^" + strings.Join(want, "") + "$").MatchString(got) {
		t.Errorf("the log is\n%swant\n%s", got, strings.Join(want, ""))
	}
}

// TestTrace has a line for each packet and each change of the state and the path.
func TestTrace(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var l log
		a, b := pair(t, dialerLogs(&l, LevelTrace))
		wantLines(t, l.taken())
		a.Start(time.Now())
		wantLines(t, l.taken(), `"packet sent" ~ number=0 path=0-0 size=1 frames=PING`, `"packet received" ~ number=0 link=0 size=\d+ frames="ACK 0 .*"`, `window ~ bytes=\d+ packet=\d+ bytes_per_second=0`)
		a.write(t, "secret of the application")
		time.Sleep(time.Second)
		wantLines(t, l.taken(), `"packet sent" ~ number=1 path=0-0 size=\d+ frames="STREAM 0\+25"`, `"packet received" ~ number=1 link=0 size=\d+ frames="ACK 0-1 .*"`)

		b.set(func(packet []byte) bool { packet[len(packet)-1] ^= 1; return true })
		b.write(t, "x")
		simtest.Wait()
		b.set(nil)
		wantLines(t, l.taken(), `"packet refused" ~ .*size=\d+ reason="record: .*"`)
		a.Receive(0, make([]byte, 5), time.Now())
		wantLines(t, l.taken(), `"packet refused" ~ .*size=5 reason="record: packet shorter than .*"`)

		a.down(0)
		wantLines(t, l.taken(), `path ~ path=0-0 up=false`)
		a.up(0, maxPacket)
		wantLines(t, l.taken(), `path ~ path=0-0 up=true`)
		a.Abort()
		text := l.taken()
		for _, want := range []string{`state=time-wait`, `frames="(ACK .*)?RESET 4"`} {
			if !regexp.MustCompile(want).MatchString(text) {
				t.Errorf("the log has no %s:\n%s", want, text)
			}
		}
		time.Sleep(10 * time.Second)
		if text := l.taken(); !strings.Contains(text, "state=over") {
			t.Errorf("the log is\n%s", text)
		}
	})
}

// TestTraceOfStates has each that begins, at a listener.
func TestTraceOfStates(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var l log
		a, b := connected(t, func(c *Config) {
			if !c.Life.Dialer {
				c.Logger = l.logger(LevelTrace)
			}
		})
		b.Close()
		a.Close()
		time.Sleep(time.Minute)
		var states []string
		for _, found := range regexp.MustCompile(`msg=state conn=peer-abcd0000 state=(.*)`).FindAllStringSubmatch(l.taken(), -1) {
			states = append(states, found[1])
		}
		if got := strings.Join(states, " "); got != "open closing time-wait over" {
			t.Errorf("the states are %s", got)
		}
	})
}

// TestTraceOfLoss names the packet, and tells of the window.
func TestTraceOfLoss(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var l log
		a, b := connected(t, dialerLogs(&l, LevelTrace))
		n := 0
		a.set(func([]byte) bool { n++; return n != 3 })
		go a.Write(make([]byte, 1<<20))
		go b.readAll()
		time.Sleep(10 * time.Second)
		text := l.taken()
		for _, want := range []string{`msg="packet lost" conn=peer-abcd0000 number=3 size=\d+\n`, `msg=window conn=peer-abcd0000 bytes=\d+ packet=\d+ bytes_per_second=\d+\n`} {
			if !regexp.MustCompile(want).MatchString(text) {
				t.Errorf("the log has no %s:\n%.2000s", want, text)
			}
		}
		sent := strings.Count(text, `msg="packet sent"`)
		if stats := statsOf(a); uint64(sent) != stats.PacketsSent || sent != a.packets() {
			t.Errorf("%d packets are logged of %d", sent, stats.PacketsSent)
		}
		if got, want := strings.Count(text, `msg="packet received"`), statsOf(a).PacketsReceived; uint64(got) != want {
			t.Errorf("%d packets are logged of %d that were received", got, want)
		}
		a.Abort()
	})
}

// TestTraceTellsNoSecrets: neither data nor keys.
func TestTraceTellsNoSecrets(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var l log
		a, b := connected(t, func(c *Config) { c.Logger = l.logger(LevelTrace) })
		secrets := []string{"secret of the application", "from dialer to listener", "from listener to dialer"}
		a.write(t, secrets[0])
		b.read(t, secrets[0])
		b.inject([]byte("\xff" + secrets[0]))
		a.Close()
		text := l.taken()
		if len(text) < 500 {
			t.Errorf("the log is only\n%s", text)
		}
		for _, s := range secrets {
			if leaktest.Shows(text, s) {
				t.Errorf("%q is in the log:\n%s", s, text)
			}
		}
	})
}

// TestNothingIsTracedUnlessAsked, and nothing is allocated for it.
func TestNothingIsTracedUnlessAsked(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var l log
		a, b := connected(t, dialerLogs(&l, slog.LevelDebug))
		exchange(t, a, b)
		b.Abort()
		simtest.Wait()
		if got := l.taken(); got != "msg=\"connection failed\" conn=peer-abcd0000 error=\"connection reset by peer\"\n" {
			t.Errorf("the log is\n%s", got)
		}
		if simtest.Race {
			return
		}
		forged := make([]byte, 100)
		if n := testing.AllocsPerRun(100, func() { a.Receive(0, forged, time.Now()) }); n != 0 {
			t.Errorf("%v allocations for a packet that does not authenticate", n)
		}
	})
}

// TestFormatHidesKeys whatever prints a Conn.
func TestFormatHidesKeys(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		a.write(t, "secret of the application")
		for _, c := range []*Conn{a.Conn, b.Conn} {
			leaktest.Secrets(t, c, "from dialer to listener", "from listener to dialer", "secret of the application")
			if got := fmt.Sprintf("%v %+v %#v", c, c, c); got != strings.TrimSpace(strings.Repeat("conn.Conn{peer-abcd0000} ", 3)) {
				t.Errorf("%s", got)
			}
		}
		if id := a.ID(); a.LogName() != "peer-"+hex.EncodeToString(id[:]) {
			t.Errorf("the Conn is called %s", a.LogName())
		}
		if record.HeaderSize >= record.Overhead {
			t.Error("a packet has no room for its plaintext")
		}
	})
}
