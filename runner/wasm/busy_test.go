package wasm_test

import (
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// slowOutput notes whether the program seems to be busy while its events are output.
type slowOutput struct {
	*memory
	program *wasm.Program
	busy    bool
}

func (o *slowOutput) Event(*wasm.Source, []byte) { o.busy = o.busy || o.program.Busy() }

// TestBusy distinguishes a program that is at work from one whose output is.
func TestBusy(t *testing.T) {
	p, g := startAll(t, "loop in event", wasm.Limits{
		MemoryPages: 512, Start: 3 * time.Second, Event: 500 * time.Millisecond,
	})
	if p.Busy() {
		t.Error("busy without an event")
	}
	go p.Event(p.Sources()[0], openEvent(5, "cat"))
	seen := false
	for ended := false; !ended; time.Sleep(time.Millisecond) {
		seen = seen || p.Busy()
		select {
		case <-g.failed:
			ended = true
		default:
		}
	}
	if !seen {
		t.Error("never busy while it handled an event for 500 ms")
	}
	output := &slowOutput{memory: &memory{params: map[string]string{"mode": ""}, config: map[string]string{}}}
	p, _, err := beginWith(t, guestModule(t), output.memory, output, wasm.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.PreStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	output.program = p
	p.Event(p.Sources()[2], []byte("hello\x00\x00\x00")) // which it turns into one of another source
	if output.busy || p.Busy() {
		t.Error("busy while an event is output, or afterwards")
	}
}
