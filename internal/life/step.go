package life

// Code is why this end gives the stream up (SPEC.md, "Ending").
type Code uint64

const (
	CodeLinger   Code = 1 // what was written could not be delivered in time
	CodeProtocol Code = 2 // the peer broke the protocol
	CodeUnused   Code = 3 // nobody accepted the Conn
	CodeAborted  Code = 4 // the application gave the Conn up
	CodeRevoked  Code = 5 // the key that the Conn was made under is not served any more
)

// Failure is why a Conn failed, as far as its Life decides that.
type Failure uint8

const (
	None        Failure = iota
	Unconfirmed         // a listener answered the handshake and nothing more
	Lingered            // the peer did not take in time what was written before Close
	Silent              // the peer was not heard of for PeerTimeout
	Unanswered          // its process lives, but has not answered on this Conn for PeerTimeout
	Restarted           // its process was restarted: another one listens under its name
	Forgotten           // its process does not know the Conn
	PeerReset           // the peer gave the stream up
	Violation           // the peer broke the protocol
	Revoked             // its key is not served any more
	Aborted             // this end gave the stream up, or was closed as a whole
)

// A Step is what to do after something happened, in the order of the fields.
type Step struct {
	Fail   Failure // tell the application why the Conn failed
	Proved bool    // the dialer has proved the key: hand the Conn to Accept
	Close  bool    // close the stream, so that what was written lingers
	Reset  Code    // give the stream up, and tell the peer; 0: do not
	Drop   bool    // free what was not acknowledged: the peer cannot be told
	Ping   bool    // ask the peer for a sign of life
	Check  bool    // ask the peer's process whether it knows the Conn
	Heard  bool    // that question is answered
	Enter  State   // the state that begins, TimeWait or Over; else 0
}
