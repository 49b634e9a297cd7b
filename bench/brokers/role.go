package main

import (
	"fmt"
	"os"

	"github.com/mqtt-e2e/mqtte2e/bench/nats"
)

// roleVariable is the environment variable that makes this program, or its test, one of its processes.
const roleVariable = "MQTTE2E_BROKERS_ROLE"

// The roles. Each has one argument.
const (
	natsRole     = "nats"     // a NATS server; its configuration file
	embeddedRole = "embedded" // the embedded broker; its addresses for TCP and WebSocket
	nettestRole  = "nettest"  // nettest.TestConn; the file of the way
)

// runRole is the whole program of such a process. It returns if this is none.
func runRole() {
	var err error
	switch os.Getenv(roleVariable) {
	default:
		return
	case natsRole:
		err = nats.Run(os.Args[1])
	case embeddedRole:
		err = runEmbedded(os.Args[1])
	case nettestRole:
		err = runNettest(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// self returns the arguments and the environment of a process of this program.
func self(role, argument string) (arguments, environment []string, err error) {
	program, err := os.Executable()
	return []string{program, argument}, []string{roleVariable + "=" + role}, err
}
