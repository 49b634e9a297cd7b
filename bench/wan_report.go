package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// comparison is what a row that compares a Conn with TCP straight measured.
type comparison struct {
	conn, tcp, ratio         float64 // MB/s
	connEcho, tcpEcho, later float64 // ms
}

// compared returns a row's comparison, false if it was not measured.
func (r *wanRow) compared(from *results) (c comparison, ok bool) {
	if c.ratio, ok = from.ratio(r.name+connKey, r.name+tcpKey); !ok {
		return c, false
	}
	c.conn, c.tcp = from.get(r.name+connKey).median(), from.get(r.name+tcpKey).median()
	c.connEcho, c.tcpEcho = from.get(r.name+connEchoKey).median(), from.get(r.name+tcpEchoKey).median()
	c.later = c.connEcho - c.tcpEcho
	return c, true
}

// line is what one round measured of a row.
func (r *wanRow) line(from *results) string {
	if r.matrix != nil {
		c, _ := r.compared(from)
		return fmt.Sprintf("%-32s Conn %7.3f MB/s  TCP %7.3f MB/s  %.2f %-6s  echo Conn %5.0f ms, TCP %5.0f ms %s", r.name,
			c.conn, c.tcp, c.ratio, verdict(c.ratio >= r.matrix.goodput), c.connEcho, c.tcpEcho, r.matrix.echoVerdict(c))
	}
	var lines []string
	for _, p := range r.promises {
		if f, ok := p.judge(from); ok {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("%s: %s %s %s", f.what, f.measured, f.verdict(), f.absolute), " "))
		}
	}
	return strings.Join(lines, "\n")
}

func (p *matrixPromise) echoVerdict(c comparison) string {
	if p.echo == 0 {
		return ""
	}
	return verdict(c.later <= p.echo)
}

// about describes what the run ran on.
func (w *wanRun) about() string {
	congestion, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	name := "Mosquitto"
	if program, err := findMosquitto(); err == nil {
		name = mosquittoVersion(program)
	}
	return fmt.Sprintf("%s; %s, %d cores, Linux %s, TCP with %s; rounds: %d of %v for each measurement; medians of them. Two access links, from the "+
		"sender to the broker and from there to the receiver, each with a queue of %v each way; TCP straight goes over the same two, past the broker. What is "+
		"compared is measured one after the other, in real-time priority; %s. An echo is a round trip of %d bytes beside the bulk, from end to end, median. All that arrives is compared "+
		"with what was sent.", name, runtime.Version(), runtime.NumCPU(), strings.TrimSpace(string(kernel)), strings.TrimSpace(string(congestion)),
		w.rounds, w.length, wanQueue, togetherText, echoSize)
}

// matrixTable has a line for each row that compares a Conn with TCP straight.
func (w *wanRun) matrixTable() [][]string {
	rows := [][]string{{"each link", "Conn, MB/s", "TCP, MB/s", "ratio", "at least", "", "echo, Conn", "echo, TCP", "at most", ""}}
	for _, r := range w.rows {
		if r.matrix == nil {
			continue
		}
		c, ok := r.compared(w.results)
		if !ok {
			continue
		}
		bound := ""
		if r.matrix.echo > 0 {
			bound = quantity(c.tcpEcho+r.matrix.echo, millis)
		}
		rows = append(rows, []string{r.name, quantity(c.conn, ""), quantity(c.tcp, ""), fmt.Sprintf("%.2f", c.ratio), fmt.Sprintf("%.2f", r.matrix.goodput),
			verdict(c.ratio >= r.matrix.goodput), quantity(c.connEcho, millis), quantity(c.tcpEcho, millis), bound, r.matrix.echoVerdict(c)})
	}
	return rows
}

// figures are the promises of all other rows, and of how many with equal links reach more than each of them promises.
func (w *wanRun) figures() (all []figure) {
	if f, ok := w.most(); ok {
		all = append(all, f)
	}
	for _, r := range w.rows {
		for _, p := range r.promises {
			if f, ok := p.judge(w.results); ok {
				all = append(all, f)
			}
		}
	}
	return all
}

// mostReach is the share of TCP's goodput that most rows with equal links promise.
const mostReach = 0.95

func (w *wanRun) most() (f figure, measured bool) {
	reached, total := 0, 0
	for _, r := range evenRows() {
		if c, ok := r.compared(w.results); ok {
			total++
			if c.ratio >= mostReach {
				reached++
			}
		}
	}
	return figure{what: fmt.Sprintf("rows with equal links whose goodput is at least %.2f of TCP's", mostReach),
		measured: fmt.Sprintf("%d of %d", reached, total), promise: "most", kept: 2*reached > total}, total > 0
}

// writeReport writes the tables for readers.
func (w *wanRun) writeReport(out io.Writer) {
	fmt.Fprintf(out, "%s\n\n", w.about())
	if rows := w.matrixTable(); len(rows) > 1 {
		writeTable(out, rows)
		fmt.Fprintln(out)
	}
	if figures := w.figures(); len(figures) > 0 {
		writeTable(out, figuresTable(figures))
		fmt.Fprintln(out)
	}
}

// saveReport writes its section of results.md, wan.csv and the charts to dir.
func (w *wanRun) saveReport(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(wanHeading + "\n\n`go run ./bench -wan` measured this, as root. ")
	w.writeReport(&text)
	fmt.Fprintf(&text, "![Goodput](%s)\n![Echo](%s)\n", goodputChart, echoChart)
	if err := saveSection(filepath.Join(dir, resultsFile), text.String()); err != nil {
		return err
	}
	if err := saveCSV(filepath.Join(dir, "wan.csv"), w.results); err != nil {
		return err
	}
	return w.saveCharts(dir)
}
