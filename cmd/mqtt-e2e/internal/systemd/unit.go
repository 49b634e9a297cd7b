// Package systemd writes service units and talks to the service manager.
package systemd

import (
	"fmt"
	"strings"
)

// A Service is what goes into a unit.
type Service struct {
	description string
	command     []string // quoted
	credentials []string // lines of the unit
}

// NewService returns a Service without a command.
func NewService(description string) *Service { return &Service{description: description} }

// Add adds arguments to the command.
func (s *Service) Add(words ...string) {
	for _, word := range words {
		s.command = append(s.command, quote(word))
	}
}

// AddFile adds the path of a file, which the service manager reads and shows to
// the service only, under a name.
func (s *Service) AddFile(name, file string) {
	s.command = append(s.command, "${CREDENTIALS_DIRECTORY}/"+name)
	s.credentials = append(s.credentials, "LoadCredential="+name+":"+percent(file)+"\n")
}

// unit takes a service everything that it does not need: it speaks TCP and UDP
// (for DNS), and to the service manager, and reads its credentials.
const unit = `[Unit]
Description=%s
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart=%s
%sRestart=always
RestartSec=5
WatchdogSec=60
DynamicUser=yes
CapabilityBoundingSet=
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
PrivateUsers=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`

// Unit returns the text of the unit.
func (s *Service) Unit() string {
	return fmt.Sprintf(unit, percent(s.description), strings.Join(s.command, " "), strings.Join(s.credentials, ""))
}

// quote writes text as one word of ExecStart: %% and $$ are read as % and $, in
// quotes too, and quotes know C's escapes (systemd.service, "Command lines").
func quote(text string) string {
	text = strings.ReplaceAll(percent(text), "$", "$$")
	if !strings.ContainsAny(text, " \t\"'\\;") {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// percent keeps text from being read as specifiers.
func percent(text string) string { return strings.ReplaceAll(text, "%", "%%") }
