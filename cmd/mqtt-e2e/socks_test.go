package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// askSOCKS asks the SOCKS5 proxy at PROXY for HOST:PORT and prints its reply
// and, if that is 0, what comes back for "hello".
func askSOCKS(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := net.DialTimeout("tcp", args[0], patience)
	ts.Check(err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	reply, err := socksConnect(conn, args[1])
	ts.Check(err)
	answer := ""
	if reply == 0 {
		io.WriteString(conn, "hello")
		ts.Check(conn.(*net.TCPConn).CloseWrite())
		all, err := io.ReadAll(conn)
		ts.Check(err)
		answer = string(all)
	}
	fmt.Fprintf(ts.Stdout(), "%d %s\n", reply, answer)
}

// socksConnect speaks RFC 1928 without authentication.
func socksConnect(conn net.Conn, target string) (reply byte, err error) {
	host, portText, err := net.SplitHostPort(target)
	if err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return 0, err
	}
	request := []byte{5, 1, 0, 5, 1, 0}
	if ip, err := netip.ParseAddr(host); err == nil {
		request = append(append(request, 1), ip.AsSlice()...)
	} else {
		request = append(append(request, 3, byte(len(host))), host...)
	}
	if _, err := conn.Write(binary.BigEndian.AppendUint16(request, uint16(port))); err != nil {
		return 0, err
	}
	var answer [2 + 10]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return 0, err
	}
	if answer[0] != 5 || answer[1] != 0 {
		return 0, errors.New("the proxy wants authentication")
	}
	return answer[3], nil
}
