package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// table is a table of the document. It stands between a line that begins with its marker and the next line that does.
type table struct {
	marker string
	header []string
}

var brokersTable = table{
	marker: "<!-- table of brokers",
	header: []string{"broker", "checks", "MB/s", "round trip", "99th", "beside a transfer, 99th", "100 Conns × 1 MB", "after 50 s idle", "stood still after SIGKILL", "of that with the broker back"},
}

// row returns a trial's row.
func (t *trial) row() []string {
	verdict := "all right"
	if len(t.failed) > 0 {
		verdict = "failed: " + strings.Join(t.failed, ", ")
	}
	return []string{t.name, verdict, fmt.Sprintf("%.0f", t.oneWay), millis(t.median), millis(t.p99), millis(t.beside), seconds(t.figures.conns),
		millis(t.figures.idle), seconds(t.still), seconds(t.late)}
}

var servicesTable = table{
	marker: "<!-- table of services",
	header: []string{"service", "a client may", "KB/s", "got through", "share", "bytes in a message", "disconnects: first, then each minute", "names of a listener", "the dialer logs", "limits from"},
}

// row returns a service's row.
func (s service) row(o outcome, err error) []string {
	share := fmt.Sprintf("%.2f", o.goodput/s.allowed())
	if err != nil {
		share = "failed"
	}
	names := fmt.Sprint(o.names)
	if o.refusal == nil {
		names = "any"
	}
	return []string{s.name, s.describe(), fmt.Sprintf("%.0f", s.allowed()/1e3), fmt.Sprintf("%.0f", o.goodput/1e3), share, fmt.Sprint(o.perPacket),
		fmt.Sprintf("%d, %d", o.learning, o.disconnects), names, strings.Join(o.said, "; "), s.source}
}

func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 9.95 {
		return fmt.Sprintf("%.2g ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2g s", d.Seconds()) }

// save replaces the rows of a table in the document that have the same first cell, and adds the others.
func save(document string, t table, rows [][]string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	changed, err := t.update(string(text), rows)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(document, []byte(changed), 0o644)
}

func (t table) update(text string, rows [][]string) (string, error) {
	lines := strings.Split(text, "\n")
	isMarker := func(line string) bool { return strings.HasPrefix(line, t.marker) }
	first := slices.IndexFunc(lines, isMarker)
	if first < 0 {
		return "", fmt.Errorf("no line begins with %q", t.marker)
	}
	length := slices.IndexFunc(lines[first+1:], isMarker)
	if length < 0 {
		return "", fmt.Errorf("only one line begins with %q", t.marker)
	}
	all := t.rows(lines[first+1 : first+1+length])
	for _, row := range rows {
		same := func(other []string) bool { return other[0] == row[0] }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = row
		} else {
			all = append(all, row)
		}
	}
	return strings.Join(slices.Replace(lines, first+1, first+1+length, t.lines(all)...), "\n"), nil
}

// rows parses the lines of a table.
func (t table) rows(lines []string) (rows [][]string) {
	for _, line := range lines {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) == len(t.header) && cells[0] != t.header[0] && !strings.HasPrefix(cells[0], "---") {
			rows = append(rows, cells)
		}
	}
	return rows
}

// lines formats a table.
func (t table) lines(rows [][]string) []string {
	rule := slices.Repeat([]string{"---"}, len(t.header))
	lines := []string{""}
	for _, row := range append([][]string{t.header, rule}, rows...) {
		lines = append(lines, "| "+strings.Join(row, " | ")+" |")
	}
	return append(lines, "")
}
