package handshake

// Here announces that a process has begun to listen under the name. Sent to the announcement topic and not answered: dialers
// with connections to another process ask that one whether it still lives.
type Here struct{ Inbox [16]byte }

func (Here) kind() byte { return typeHere }

func (m Here) append(body []byte) []byte { return append(body, m.Inbox[:]...) }
