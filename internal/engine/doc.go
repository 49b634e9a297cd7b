// Package engine joins the layers into connections: it runs the handshake over
// a link, moves packets between the record layer and the stream of each Conn,
// and keeps every timer.
//
// Who runs what. The link calls Engine's handlers on its reader goroutine and
// Fill on its writer goroutine; callers of Dial, Read, Write and Close bring
// their own; each Conn has one timer, whose function runs on a goroutine of the
// runtime. There are no other goroutines.
//
// Locks. Conn.mu guards the stream and state of one Conn, Engine.mu the tables
// of the Engine, Listener.mu its backlog, and queue.mu the order in which Conns
// write. They are taken in this order; open.mu, over the Engines of the process,
// is taken alone. None is held while anything blocks. A Conn's Opener belongs
// to the reader, its Sealer to the writer; packet.go has the path of the bytes.
package engine
