package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"golang.org/x/term"
)

// size of the download, bytes.
const size = 64 << 20

// content is the web server's only page: random bytes, made once.
type content struct{ bytes []byte }

func newContent() *content {
	c := &content{make([]byte, size)}
	rand.Read(c.bytes)
	return c
}

func (c *content) sum() [sha256.Size]byte { return sha256.Sum256(c.bytes) }

// ServeHTTP implements http.Handler.
func (c *content) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(c.bytes)))
	w.Write(c.bytes)
}

// progress shows on a terminal how far the download is.
type progress struct {
	out         io.Writer
	done, total int64
	percent     int64
}

// newProgress returns io.Discard unless out is a terminal.
func newProgress(out io.Writer, total int64) io.Writer {
	if f, ok := out.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return io.Discard
	}
	return &progress{out: out, total: total}
}

// Write implements io.Writer.
func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if percent := 100 * p.done / p.total; percent != p.percent {
		p.percent = percent
		fmt.Fprintf(p.out, "\rdownloading       %d %%", percent)
		if percent == 100 {
			fmt.Fprint(p.out, "\r\x1b[K")
		}
	}
	return len(b), nil
}
