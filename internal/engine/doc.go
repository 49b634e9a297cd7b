// Package engine joins the layers into connections: it runs the handshake over
// a link, keeps the tables of Conns, peers and Listeners, and decides whose turn it
// is to write.
//
// Who runs what. The link calls Engine's handlers on its reader goroutine and
// Fill on its writer goroutine; callers of Dial, Read, Write and Close bring
// their own; each Conn has one timer, whose function runs on a goroutine of the
// runtime.
//
// Locks. conn.Conn.mu guards the stream and life of one Conn, Engine.mu the tables
// of the Engine, Listener.mu its backlog, and queue.mu the order in which Conns
// write. They are taken in this order; life.Peer.mu, activity.mu and allowance.mu
// are taken last. None is held while anything blocks. A Conn's Opener belongs
// to the reader, its Sealer to the writer; conn/packet.go has the path of the bytes.
package engine
