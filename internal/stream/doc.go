// Package stream is the ordered byte stream of one Conn as a state machine:
// sequencing, acknowledgement, loss recovery, flow and congestion control, and
// the end of the stream (SPEC.md, "Stream").
//
// Nothing in it has a clock, a goroutine or a lock. Every method that depends
// on time takes now, and Deadline says when Expire wants to be called. The
// owner of a Stream serialises all calls; the package engine does so under the
// Conn's lock.
package stream
