package cli_test

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// TestSerial: what several goroutines log at the same time is whole lines, without data races.
func TestSerial(t *testing.T) {
	var out bytes.Buffer
	g := &cli.Globals{Stderr: cli.Serial(&out)}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				g.Log("a line")
			}
		})
	}
	all.Wait()
	if want := strings.Repeat("a line\n", 800); out.String() != want {
		t.Errorf("%d bytes, want %d", out.Len(), len(want))
	}
	if cli.IsTerminal(g.Stderr) {
		t.Error("a buffer is a terminal")
	}
	if f, ok := cli.Serial(os.Stdin).(interface{ Fd() uintptr }); !ok || f.Fd() != os.Stdin.Fd() {
		t.Error("a file is no longer a descriptor")
	}
}
