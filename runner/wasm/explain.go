package wasm

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/sys"
)

// explain explains in one sentence why a call of the program's function name ended
// with err.
func (p *Program) explain(name string, limit time.Duration, err error) error {
	if p.watch.hasExpired() {
		return fmt.Errorf("the wasm program did not return from %s within %v, so it was ended", name, limit)
	}
	if message := p.stderr.panicLine(); message != "" {
		return fmt.Errorf("the wasm program stopped in %s: %s", name, message)
	}
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("the wasm program stopped in %s with exit code %d", name, exit.ExitCode())
	}
	return fmt.Errorf("the wasm program stopped in %s: %s", name, strings.TrimPrefix(firstLine(err), "wasm error: "))
}

// firstLine returns the text of err without the trace after it.
func firstLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return oneLine(first)
}

// maxTail is how much of what a program writes to stderr is kept.
const maxTail = 8 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if n := len(t.buf) - maxTail; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(b), nil
}

// panicLine returns the last line with which the runtime of Go or Rust reports why
// it ends the program, empty for none.
func (t *tail) panicLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(string(t.buf), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := oneLine(lines[i])
		switch {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			return line
		case strings.Contains(line, "panicked at ") && i+1 < len(lines):
			return strings.TrimSpace(line + " " + oneLine(lines[i+1]))
		}
	}
	return ""
}
