package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/limit"
)

// roleArgument makes this program one of the processes of a measurement over emulated links. What it shall do stands on its standard
// input, whose end is the end of the measurement.
const roleArgument = "wan-role"

// wanSpec is what such a process is told.
type wanSpec struct {
	Role    string // an entry of wanRoles
	Way     string // an entry of wanWays: how streams are made
	Address string // host:port for TCP, else the broker's
	Key     string
	Bulks   int           // how many streams carry as much as they can
	Echo    bool          // whether one measures round trips beside them
	For     time.Duration // how long they do
	Pause   time.Duration // between round trips

	MessageSize int          // Config.MaxMessageSize
	Limit       *limit.Rules // of the role limit
}

// wanRoles are what the processes do. Each prints its report as JSON.
var wanRoles = map[string]func(s *wanSpec, end io.Reader) (report any, err error){
	"far":   (*wanSpec).far,
	"near":  (*wanSpec).near,
	"limit": (*wanSpec).limiting,
}

// runRole is the whole program of such a process.
func runRole() error {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var s wanSpec
	if err := json.Unmarshal(line, &s); err != nil {
		return err
	}
	role := wanRoles[s.Role]
	if role == nil {
		return fmt.Errorf("there is no role %q", s.Role)
	}
	report, err := role(&s, in)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// readyLine is what a role that serves says before its report.
const readyLine = "ready\n"

func ready() { fmt.Print(readyLine) }
