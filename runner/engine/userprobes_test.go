package engine_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestRootsOfContainers attaches nothing on this machine when only containers are
// wanted, and in a root that is entered.
func TestRootsOfContainers(t *testing.T) {
	gadgettest.NeedsKernel(t)
	if !exists("/sys/bus/event_source/devices/uprobe") {
		t.Skip("needs a kernel with uprobes")
	}
	plan, err := gadgetapi.Read(gadgettest.File(t, "attach.bpf.o"), only(t, "uprobe"))
	if err != nil {
		t.Fatal(err)
	}
	if !engine.EntersContainers(plan, engine.Places{}) {
		t.Error("the gadget is reported to enter no containers")
	}
	l, err := engine.Load(plan, engine.LoadOptions{Roots: engine.RootsOfContainers})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Attach(); err != nil {
		t.Fatal(err)
	}
	self := uint32(os.Getpid())
	if n, err := l.EnterContainer(self); n != 1 || err != nil {
		t.Errorf("entering a root: %d, %v; want 1", n, err)
	}
	if err := l.LeaveContainer(self); err != nil {
		t.Error(err)
	}
}

// TestContainerOnlyFields waits for a container with a library that this
// machine does not have.
func TestContainerOnlyFields(t *testing.T) {
	gadgettest.NeedsKernel(t)
	md := only(t, "uprobe")
	md.Programs["uprobe"] = gadgetapi.ProgramOptions{AttachTo: "libnosuchthing:f"}
	plan, err := gadgetapi.Read(gadgettest.File(t, "attach.bpf.o"), md)
	if err != nil {
		t.Fatal(err)
	}
	for roots, want := range map[engine.Roots]bool{engine.RootOfHost: false, engine.RootsOfAll: true} {
		var notes []string
		l, err := engine.Load(plan, engine.LoadOptions{Roots: roots, Note: func(format string, _ ...any) {
			notes = append(notes, format)
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Attach(); (err == nil) != want || len(notes) != 1 || !strings.HasPrefix(notes[0], "skipping") {
			t.Errorf("roots %d: %v, notes %q", roots, err, notes)
		}
		l.Close()
	}
}
