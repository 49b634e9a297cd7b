package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"

	"golang.org/x/crypto/ssh"
)

// serve is an ssh server with one user and one answer to every command. It
// returns when the listener is closed.
func serve(listener net.Listener, host ssh.Signer, user ssh.PublicKey) error {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(offered.Marshal(), user.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
	}
	config.AddHostKey(host)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go serveConn(conn, config)
	}
}

func serveConn(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			offered.Reject(ssh.UnknownChannelType, "only sessions are served")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go answer(channel, requests)
	}
}

// answer serves a session: RFC 4254 section 6.5.
func answer(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		request.Reply(request.Type == "exec", nil)
		if request.Type == "exec" {
			fmt.Fprintf(channel, "a Go program on %s/%s, through a broker that could not read this\n", runtime.GOOS, runtime.GOARCH)
			channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
			return
		}
	}
}
