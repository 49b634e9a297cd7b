package main

import "fmt"

// line is what one round measured of a row.
func (r *wanRow) line(from *results) string {
	conn, tcp := from.get(r.name+connKey), from.get(r.name+tcpKey)
	ratio := conn.median() / tcp.median()
	echo, tcpEcho := from.get(r.name+connEchoKey).median(), from.get(r.name+tcpEchoKey).median()
	return fmt.Sprintf("%-32s Conn %7.3f MB/s  TCP %7.3f MB/s  %.2f %-7s echo Conn %5.0f ms, TCP %5.0f ms %s", r.name, conn.median(), tcp.median(), ratio,
		verdict(ratio >= r.goodput), echo, tcpEcho, r.echoVerdict(echo-tcpEcho))
}

func (r *wanRow) echoVerdict(more float64) string {
	if r.echo == 0 {
		return ""
	}
	return verdict(more <= inMicros(r.echo)/1000)
}

func verdict(kept bool) string {
	if kept {
		return "kept"
	}
	return "MISSED"
}
