package setting

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorIsSaidInBothLanguages(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", Errorf("mqtte2e: ", "%v is %d, more than %v: lower %[1]v", Field("Config.PadSize"), 7, Field("Config.MaxMessageSize")))
	if got, want := err.Error(), "wrapped: mqtte2e: Config.PadSize is 7, more than Config.MaxMessageSize: lower Config.PadSize"; got != want {
		t.Errorf("in Go: %q, want %q", got, want)
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal("errors.As does not find it")
	}
	flags := map[Field]string{"Config.PadSize": "--pad-size", "Config.MaxMessageSize": "--max-message-size"}
	got := e.In(func(f Field) string { return flags[f] })
	if want := "--pad-size is 7, more than --max-message-size: lower --pad-size"; got != want {
		t.Errorf("in flags: %q, want %q", got, want)
	}
}
