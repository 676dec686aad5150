package runcmd

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// stackEvent is an event of the fixture stacks.
type stackEvent struct {
	PID    int
	Kstack string
	Ustack struct{ Addresses, Symbols, Buildid string }
}

// TestStacks opens a file of the name that the fixture waits for and looks who did
// that: this function.
func TestStacks(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, tc := range []struct {
		symbolizers string
		named       bool
	}{{"auto", true}, {"none", false}} {
		t.Run(tc.symbolizers, func(t *testing.T) {
			stdout, stderr, stop := start(t, newNode(), "stacks.bpf.o",
				Cmd{Output: "json", StackFlags: StackFlags{Symbolizers: tc.symbolizers}})
			var ev stackEvent
			waitFor(t, "an event of this process", func() bool {
				_, _ = os.Open("stacks-test")
				return ownStack(t, stdout.String(), &ev)
			})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			checkStacks(t, ev, tc.named)
			if strings.Contains(stderr.String(), "no names") {
				t.Log(stderr.String())
			} else if !strings.Contains(ev.Kstack, "syscall") {
				t.Errorf("the kernel's stack is %q", ev.Kstack)
			}
		})
	}
}

// ownStack reads the first event of this process from the lines of text: others
// open files as well.
func ownStack(t *testing.T, text string, ev *stackEvent) bool {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			return false
		}
		if err := json.Unmarshal([]byte(line), ev); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if ev.PID == os.Getpid() {
			return true
		}
	}
	return false
}

func checkStacks(t *testing.T, ev stackEvent, named bool) {
	t.Helper()
	if !strings.HasPrefix(ev.Ustack.Addresses, "0x") || !strings.HasSuffix(ev.Ustack.Addresses, "; ") {
		t.Errorf("process %d, addresses %q", ev.PID, ev.Ustack.Addresses)
	}
	if got := strings.Contains(ev.Ustack.Symbols, "runcmd.TestStacks"); got != named {
		t.Errorf("the functions are %q", ev.Ustack.Symbols)
	}
}
