package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

// environment describes what the benchmark ran on.
func environment(b *broker, rounds int) string {
	where := "both ends and the broker on this machine"
	if b.named != "" {
		where = "both ends on this machine"
	}
	return fmt.Sprintf("%s; %s, %d cores, %s/%s; %s; rounds, interleaved: %d; medians of them. "+
		"Every transfer was checked: its length, and CRC-32C over its content, which never repeats within %d bytes.",
		b.name, runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, where, rounds, content.Period)
}

// figuresTable is the table of promises.
func figuresTable(figures []figure) [][]string {
	rows := [][]string{{"what", "measured", "promised", "", "absolute"}}
	for _, f := range figures {
		rows = append(rows, []string{f.what, f.measured, f.promise, f.verdict(), f.absolute})
	}
	return rows
}

// valuesTable is the table of everything that was measured.
func valuesTable(r *results) [][]string {
	rows := [][]string{{"what", "median", "smallest", "largest"}}
	for _, s := range r.list {
		rows = append(rows, []string{s.key, quantity(s.median(), s.unit), quantity(s.smallest(), s.unit), quantity(s.largest(), s.unit)})
	}
	return rows
}

// writeTable writes rows as a Markdown table whose columns stand one below the other in plain text too.
func writeTable(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)), 3)
		}
	}
	line := make([]string, len(widths))
	for i, width := range widths {
		line[i] = strings.Repeat("-", width)
	}
	for _, row := range slices.Insert(slices.Clone(rows), 1, line) {
		for i, cell := range row {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		fmt.Fprintln(w, "|")
	}
}

// writeReport writes the tables for readers to w.
func writeReport(w io.Writer, about string, r *results) {
	fmt.Fprintf(w, "%s\n\n", about)
	if figures := r.figures(); len(figures) > 0 {
		writeTable(w, figuresTable(figures))
		fmt.Fprintln(w)
	}
	writeTable(w, valuesTable(r))
}

// saveReport writes results.md, results.csv and the charts to dir.
func saveReport(dir, about string, r *results) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(benchHeading + "\n\n`go run ./bench` measured this. ")
	writeReport(&text, about, r)
	if err := saveSection(filepath.Join(dir, resultsFile), text.String()); err != nil {
		return err
	}
	if err := saveCSV(filepath.Join(dir, "results.csv"), r); err != nil {
		return err
	}
	return saveCharts(dir, r)
}

// saveCSV writes every value of every round.
func saveCSV(path string, r *results) error {
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.Write([]string{"what", "unit", "round", "value"})
	for _, s := range r.list {
		for round, value := range s.values {
			w.Write([]string{s.key, s.unit, strconv.Itoa(round + 1), strconv.FormatFloat(value, 'g', 5, 64)})
		}
	}
	w.Flush()
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
