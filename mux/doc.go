// Package mux carries many streams over one Conn, with the protocol of
// hashicorp/yamux. The protocol name of a Conn that does is "mux".
//
// A Dialer has the shape of net.Dialer and a Listener that of net.Listener, so
// an http.Transport or an http.Server can use them as they are. Client and
// Server make a Session of any net.Conn.
//
// # Streams
//
// A stream is a net.Conn with two more methods, those of mqtte2e.Conn:
// CloseWrite ends one direction, and the other stays open for as long as it
// takes; Reset breaks the stream off. Deadlines and Close work while the
// connection below stalls, too.
//
//   - Close returns at once. What was written before is delivered in the
//     background, as long as the session lives. Data that the peer still sends
//     is discarded; if it goes on for 5 s, or for more than 8 MiB, the stream
//     is reset at both ends and its Write fails. A peer that was too slow to
//     read what was written until then loses it, as with TCP. A peer that sends
//     nothing may take an hour to close its end.
//   - A Write succeeds when the data is in a buffer that the session's streams
//     share; a failure to deliver it is returned by a later call, if there is
//     one.
//   - Loss of one packet of the connection below delays every stream.
//
// io.EOF means that the peer ended the stream. If the session ends before, Read
// returns the reason, which answers to the errors of package mqtte2e.
//
// # Bounds
//
// A session has at most 256 streams that the peer opened; up to 256 more wait until
// one ends. A peer can send 256 KiB into a stream that nobody reads. For a stream
// that is read as fast as it comes that grows to 8 MiB, which keeps 40 MB/s
// going over 100 ms of round trip, but for all streams of a session together by
// no more than 64 MiB. What waits for the connection below is at most 64 KiB,
// and 32 KiB more for each stream.
//
// At a Listener all sessions under one key share 512 streams and the 64 MiB, and all
// keys together have twice as much. Nobody gets more than is left then: one session
// alone has 256 streams and the next 128, and whoever comes last still finds some. So
// the windows of one key hold 192 MiB at most, and those of any number 384 MiB. Who
// is refused is told so: a dial fails with mqtte2e.ErrRefused where there is no room
// for a session, and with syscall.ECONNREFUSED for a stream. Limits has the numbers.
package mux
