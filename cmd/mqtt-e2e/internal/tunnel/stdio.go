package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// ErrOutputClosed means that nobody reads standard output any more. That is
// how ssh ends a ProxyCommand.
var ErrOutputClosed = errors.New("standard output was closed")

// JoinStdio copies in to the stream, and the stream to out, until the other side has
// ended and everything is written to out, whether or not in has ended. The end
// of in is passed on and leaves the other direction open. It returns early if
// out is closed, or the context ends, and then with its cause.
func JoinStdio(ctx context.Context, in io.Reader, out *os.File, stream net.Conn) error {
	sending := make(chan error, 1)
	go func() { sending <- send(stream, in) }()
	receiving := make(chan error, 1)
	go func() { receiving <- receive(out, stream) }()
	closed, descriptor := make(chan struct{}), out.Fd()
	go func() {
		waitClosed(descriptor)
		close(closed)
	}()
	for {
		select {
		case err := <-receiving:
			return err
		case err := <-sending:
			// What broke the stream will end the other direction too; and a far
			// side that only stopped reading may have an answer under way.
			if err != nil && !isNetwork(err) {
				return err
			}
			sending = nil
		case <-closed:
			return ErrOutputClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network)
}

// send copies in to the stream and ends the stream after it.
func send(stream net.Conn, in io.Reader) error {
	// Without a ReadFrom, which would make an error of in one of the network.
	_, err := io.Copy(struct{ io.Writer }{stream}, reader{in})
	if err != nil {
		return err
	}
	return stream.(interface{ CloseWrite() error }).CloseWrite()
}

func receive(out *os.File, stream net.Conn) error {
	_, err := io.Copy(writer{out}, stream)
	return err
}

// reader tells errors of standard input from those of the stream.
type reader struct{ io.Reader }

func (r reader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("reading standard input: %w", err)
	}
	return n, err
}

// writer tells errors of standard output from those of the stream.
type writer struct{ io.Writer }

func (w writer) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		return n, ErrOutputClosed
	}
	if err != nil {
		err = fmt.Errorf("writing standard output: %w", err)
	}
	return n, err
}
