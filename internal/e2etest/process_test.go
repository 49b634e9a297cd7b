package e2etest

import (
	"bufio"
	"context"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// childRole is the environment variable that makes this test binary run one of
// children instead of tests. The first line of a child's standard input is the
// address, the second one the key.
const childRole = "MQTTE2E_TEST_CHILD"

var children = map[string]func() int{"write": childWrites, "close": childCloses, "listen": childListens}

// childSize is how many bytes childWrites sends.
const childSize = 10e6

// child starts a process of this test binary that ends with the test.
func child(t *testing.T, role, address string, config *mqtte2e.Config) (process *exec.Cmd, output *bufio.Reader) {
	t.Helper()
	process = exec.Command(os.Args[0])
	process.Env = append(os.Environ(), childRole+"="+role)
	process.Stdin = strings.NewReader(address + "\n" + config.Key.Hex() + "\n")
	process.Stderr = os.Stderr
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Process.Kill()
		process.Wait()
	})
	return process, bufio.NewReader(stdout)
}

// childInput reads what child passed.
func childInput() (address string, config *mqtte2e.Config) {
	config = new(mqtte2e.Config)
	if _, err := fmt.Scan(&address, textOf{&config.Key}); err != nil {
		panic(err)
	}
	return address, config
}

// textOf lets fmt.Scan read what knows how to read itself from text.
type textOf struct{ encoding.TextUnmarshaler }

func (t textOf) Scan(state fmt.ScanState, _ rune) error {
	token, err := state.Token(true, nil)
	if err != nil {
		return err
	}
	return t.UnmarshalText(token)
}

// childWrites dials, writes, and exits at once.
func childWrites() int {
	address, config := childInput()
	conn, err := mqtte2e.Dial(context.Background(), address, config)
	if err == nil {
		_, err = io.Copy(struct{ io.Writer }{conn}, content(childSize))
	}
	if err == nil {
		err = conn.Shutdown(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childCloses dials, writes between 64 KiB and 1 MiB with their number before
// them, closes, and exits at once.
func childCloses() int {
	address, config := childInput()
	conn, err := mqtte2e.Dial(context.Background(), address, config)
	size := 64<<10 + rand.Int64N(960<<10+1)
	if err == nil {
		err = binary.Write(conn, binary.BigEndian, size)
	}
	if err == nil {
		_, err = io.Copy(struct{ io.Writer }{conn}, content(size))
	}
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childListens says that it listens, then answers lines by themselves but for
// the line "wait", which it does not answer.
func childListens() int {
	address, config := childInput()
	listener, err := mqtte2e.Listen(context.Background(), address, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("listening")
	for {
		conn, err := listener.Accept()
		if err != nil {
			return 1
		}
		go func() {
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				if lines.Text() != "wait" {
					fmt.Fprintln(conn, lines.Text())
				}
			}
		}()
	}
}

func TestChildWritesAndExits(t *testing.T) {
	config := newConfig()
	address := mqtttest.Broker(t) + "#child"
	listener, err := mqtte2e.Listen(t.Context(), address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	process, _ := child(t, "write", address, config)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := hashOf(conn)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := hashOf(content(childSize)); got != want {
		t.Error("what arrived differs from what was written")
	}
	if err := process.Wait(); err != nil {
		t.Errorf("the child: %v", err)
	}
}

// TestChildClosesAndExits does so a hundred times over Mosquitto.
func TestChildClosesAndExits(t *testing.T) {
	t.Parallel()
	config := newConfig()
	address := simtest.Mosquitto(t).Address + "#child"
	listener, err := mqtte2e.Listen(t.Context(), address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for i := range size(100) {
		process, _ := child(t, "close", address, config)
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		var length int64
		binary.Read(conn, binary.BigEndian, &length)
		got, err := hashOf(conn)
		if want, _ := hashOf(content(length)); err != nil || got != want {
			t.Fatalf("child %d wrote %d bytes, and others arrived, then %v", i, length, err)
		}
		conn.(*mqtte2e.Conn).Reset() // nobody is there to acknowledge its end
		if err := process.Wait(); err != nil {
			t.Errorf("child %d: %v", i, err)
		}
	}
}

// ask sends a line to childListens and waits for the answer.
func ask(t *testing.T, conn io.ReadWriter) {
	t.Helper()
	fmt.Fprintln(conn, "hello")
	if got, err := io.ReadAll(io.LimitReader(conn, 6)); string(got) != "hello\n" {
		t.Fatalf("the answer to hello is %q, %v", got, err)
	}
}

// TestListenerKilled kills the listening process and starts another one.
func TestListenerKilled(t *testing.T) {
	t.Parallel()
	config := newConfig()
	broker := mqtttest.Broker(t)
	listen := func() *exec.Cmd {
		process, output := child(t, "listen", broker+"#child", config)
		if line, err := output.ReadString('\n'); line != "listening\n" {
			t.Fatalf("the child says %q, %v", line, err)
		}
		return process
	}
	process := listen()
	dial := func(e *mqtte2e.Endpoint) *mqtte2e.Conn {
		conn, err := e.Dial(t.Context(), "child")
		if err != nil {
			t.Fatal(err)
		}
		ask(t, conn)
		return conn
	}
	waiting, idle := dial(endpoint(t, broker, config)), dial(endpoint(t, broker, config))
	fmt.Fprintln(waiting, "wait")
	process.Process.Kill()
	process.Wait()
	killed := time.Now()
	fmt.Fprintln(waiting, "hello")
	listen()
	dialing := time.Now()
	dialer := endpoint(t, broker, config)
	dial(dialer)
	defer dialer.Close() // while the process lives that it has to take leave of
	t.Logf("the new process answered %v after the dial began", time.Since(dialing))
	// The one Conn has data that nobody acknowledges; so has the other one, which
	// was idle until now.
	fmt.Fprintln(idle, "hello")
	for _, old := range []*mqtte2e.Conn{waiting, idle} {
		old.SetReadDeadline(killed.Add(30 * time.Second))
		if got, err := io.ReadAll(old); !errors.Is(err, mqtte2e.ErrPeerGone) || len(got) > 0 {
			t.Errorf("the old Conn reads %q, %v", got, err)
		}
		t.Logf("the old Conn ended %v after the process", time.Since(killed))
	}
}
