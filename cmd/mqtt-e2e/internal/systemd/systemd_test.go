package systemd

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"plain":        "plain",
		"p%40":         "p%%40",
		"$HOME":        "$$HOME",
		"a b":          `"a b"`,
		`a"b\c`:        `"a\"b\\c"`,
		"it's":         `"it's"`,
		"mqtt://h#box": "mqtt://h#box",
		"{$x}%n; rm":   `"{$$x}%%n; rm"`,
	} {
		if got := quote(text); got != want {
			t.Errorf("quote(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestUnit(t *testing.T) {
	service := NewService("100%")
	service.Add("/bin/x", "--key-file")
	service.AddFile("key-1", "/etc/50% of $it")
	unit := service.Unit()
	for _, want := range []string{
		"\nExecStart=/bin/x --key-file ${CREDENTIALS_DIRECTORY}/key-1\n",
		"\nLoadCredential=key-1:/etc/50%% of $it\n",
		"\nDescription=100%%\n",
		"\nDynamicUser=yes\n",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q:\n%s", want, unit)
		}
	}
}

func TestNotify(t *testing.T) {
	directory, err := os.MkdirTemp("", "notify") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	socket := filepath.Join(directory, "socket")
	conn, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		t.Skip("there are no datagram sockets here: ", err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	Notify(Ready)
	buffer := make([]byte, 100)
	n, _, err := conn.ReadFrom(buffer)
	if got := string(buffer[:n]); err != nil || got != "READY=1" {
		t.Errorf("the manager got %q, %v", got, err)
	}
	t.Setenv("WATCHDOG_USEC", "20000")
	checked := make(chan struct{}, 100)
	go Watchdog(t.Context(), func() { checked <- struct{}{} })
	n, _, err = conn.ReadFrom(buffer)
	if got := string(buffer[:n]); err != nil || got != "WATCHDOG=1" {
		t.Errorf("the manager got %q, %v", got, err)
	}
	<-checked
}

func TestWatchdogInterval(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
	}{{"", "", 0}, {"60000000", "", 30 * time.Second}, {"60000000", "1", 0}, {"x", "", 0}, {"-5", "", 0}} {
		t.Setenv("WATCHDOG_USEC", test.usec)
		t.Setenv("WATCHDOG_PID", test.pid)
		if got := watchdogInterval(); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
