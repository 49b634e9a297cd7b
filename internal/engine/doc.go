// Package engine joins the layers into connections: it runs the handshake over
// links to one or several brokers, keeps the tables of Conns, peers and Listeners, and
// decides whose turn it is to write.
//
// Who runs what. Each link calls its uplink's handlers on its reader goroutine and
// Fill on its writer goroutine; callers of Dial, Read, Write and Close bring
// their own; each Conn has one timer, whose function runs on a goroutine of the
// runtime.
//
// Locks. Engine.handshaking lets one handshake message through at a time, conn.Conn.mu
// guards the stream, life and route of one Conn, Engine.mu the tables of the Engine,
// Listener.mu its backlog, and queue.mu the order in which Conns write over a link. They
// are taken in this order; life.Peer.mu, those of package path, activity.mu and
// allowance.mu are taken last. None is held while anything blocks. conn/packet.go has
// the path of the bytes.
package engine
