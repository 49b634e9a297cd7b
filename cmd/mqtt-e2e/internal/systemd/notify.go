package systemd

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// States that Notify tells (sd_notify(3)).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	watchdog = "WATCHDOG=1"
)

// Notify tells the service manager, if there is one. What it cannot be told is
// lost: it has timeouts of its own.
func Notify(state string) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	conn, err := net.Dial("unixgram", socket) // package net reads a leading @ as an abstract name
	if err != nil {
		return
	}
	defer conn.Close()
	conn.Write([]byte(state))
}

// Watchdog tells the service manager that the program works, as often as it
// wants to hear it, whenever check has returned. It returns with the context.
func Watchdog(ctx context.Context, check func()) {
	interval := watchdogInterval()
	if interval == 0 {
		return
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			check()
			Notify(watchdog)
		case <-ctx.Done():
			return
		}
	}
}

// watchdogInterval is half the time after which the service manager takes us
// for dead, as sd_watchdog_enabled(3) recommends; 0 if it does not watch us.
func watchdogInterval() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	microseconds, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || microseconds < 2 {
		return 0
	}
	return time.Duration(microseconds) * time.Microsecond / 2
}
