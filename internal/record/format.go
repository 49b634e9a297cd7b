package record

import (
	"fmt"
	"io"
)

// Format keeps the keys out of logs: every verb prints the type's name only. The fields of another package's struct are printed without asking Format;
// therefore all that is secret stands behind pointers, which are then printed as addresses.
func (Mask) Format(f fmt.State, _ rune) { hide(f, "record.Mask") }

// Format keeps the keys out of logs: every verb prints the type's name only.
func (Sealer) Format(f fmt.State, _ rune) { hide(f, "record.Sealer") }

// Format keeps the keys out of logs: every verb prints the type's name only.
func (Opener) Format(f fmt.State, _ rune) { hide(f, "record.Opener") }

func hide(w io.Writer, name string) { _, _ = io.WriteString(w, name+"(keys hidden)") }
