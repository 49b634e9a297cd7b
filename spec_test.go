package mqtte2e

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestSpecificationHasTheWorkedBytes keeps SPEC.md true: the golden files, which
// the packages' own tests compare with the code, must stand in it.
func TestSpecificationHasTheWorkedBytes(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	spec := strings.Join(strings.Fields(string(text)), "")
	values := append(handshakeValues(t), recordValues(t)...)
	if len(values) < 30 {
		t.Fatalf("only %d values were found in the golden files", len(values))
	}
	for _, value := range values {
		if !strings.Contains(spec, value) {
			t.Errorf("SPEC.md lacks %s", value)
		}
	}
}

// worked matches what is long enough not to occur by chance: bytes, and topics.
var worked = regexp.MustCompile(`^([0-9a-f]{16,}|[A-Za-z0-9_-]{22})$`)

func handshakeValues(t *testing.T) (values []string) {
	text, err := os.ReadFile("internal/handshake/testdata/handshake.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden any
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	var collect func(any)
	collect = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, element := range v {
				collect(element)
			}
		case string:
			if worked.MatchString(v) {
				values = append(values, v)
			}
		}
	}
	collect(golden)
	return values
}

// recordValues leaves out the lines that SPEC.md has in two parts.
func recordValues(t *testing.T) (values []string) {
	text, err := os.ReadFile("internal/record/testdata/packets.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		label, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if ok && worked.MatchString(value) && !strings.HasSuffix(label, "tag") && !strings.HasSuffix(label, "number") {
			values = append(values, value)
		}
	}
	return values
}

// TestSpecificationHasFrames compares the examples in SPEC.md, "Frame examples",
// with those that package wire is tested against.
func TestSpecificationHasFrames(t *testing.T) {
	text, err := os.ReadFile("internal/wire/testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		digits, frames, _ := strings.Cut(line, "|")
		known[strings.ReplaceAll(digits, " ", "")] = strings.TrimSpace(frames)
	}
	spec, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(spec), "### Frame examples")
	list = strings.Split(list, "```")[1]
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) < 10 {
		t.Fatalf("only %d lines were found", len(lines))
	}
	for i := 0; i+1 < len(lines); i += 2 {
		want, ok := known[strings.ReplaceAll(lines[i], " ", "")]
		if got := strings.TrimSpace(lines[i+1]); !ok || got != want {
			t.Errorf("SPEC.md says %q of %s, want %q", got, lines[i], want)
		}
	}
}
