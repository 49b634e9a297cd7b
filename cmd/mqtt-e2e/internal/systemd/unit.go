// Package systemd writes service units and talks to the service manager.
package systemd

import (
	"fmt"
	"strings"
)

// A Service is what goes into a unit.
type Service struct {
	Description string
	Command     []Word
	Credentials []Credential
}

// A Word is one argument of a command: text, or the path of a credential.
type Word struct {
	Text       string
	Credential string // name of a Credential; Text goes before its path
}

// A Credential is a file that the service manager reads and shows to the
// service only.
type Credential struct{ Name, File string }

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
func (s Service) Unit() string {
	words := make([]string, len(s.Command))
	for i, word := range s.Command {
		words[i] = word.quoted()
	}
	var credentials strings.Builder
	for _, credential := range s.Credentials {
		fmt.Fprintf(&credentials, "LoadCredential=%s:%s\n", credential.Name, percent(credential.File))
	}
	return fmt.Sprintf(unit, percent(s.Description), strings.Join(words, " "), &credentials)
}

func (w Word) quoted() string {
	text := quote(w.Text)
	if w.Credential != "" {
		text += "${CREDENTIALS_DIRECTORY}/" + w.Credential
	}
	return text
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
