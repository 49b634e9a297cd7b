package wire

import "fmt"

// describer is a Visitor that writes each frame the way testdata/frames.txt and SPEC.md do.
type describer struct{ lines []string }

func (d *describer) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *describer) Stream(offset uint64, data []byte) { d.add("STREAM offset %d %q", offset, data) }
func (d *describer) Ack(a *Ack)                        { d.ack("ACK", a) }
func (d *describer) Resume(a *Ack)                     { d.ack("RESUME", a) }
func (d *describer) Fin(final uint64)                  { d.add("FIN %d", final) }
func (d *describer) Stop()                             { d.add("STOP") }
func (d *describer) Reset(code uint64)                 { d.add("RESET %d", code) }
func (d *describer) Ping()                             { d.add("PING") }

func (d *describer) ack(name string, a *Ack) {
	text := fmt.Sprintf("%s delay %d us, arrival %d us, credit %d, grant %d messages %d bytes, received",
		name, a.Delay.Microseconds(), a.Arrival.Microseconds(), a.Credit, a.GrantMessages, a.GrantBytes)
	if len(a.Ranges) == 0 {
		text += " nothing"
	}
	for _, r := range a.Ranges {
		text += fmt.Sprintf(" %d-%d", r.Smallest, r.Largest)
	}
	d.lines = append(d.lines, text)
}
