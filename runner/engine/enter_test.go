package engine_test

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func TestWithinContainers(t *testing.T) {
	for _, c := range []struct {
		object string
		places engine.Places
		want   bool
	}{
		{"packets.bpf.o", engine.Places{}, true},
		{"packets.bpf.o", engine.Places{Interfaces: []string{"lo"}}, false}, // of the machine
		{"open.bpf.o", engine.Places{}, false},
	} {
		plan, err := gadgetapi.Read(gadgettest.File(t, c.object), gadgetapi.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		if got := engine.WithinContainers(plan, c.places); got != c.want {
			t.Errorf("%s, %+v: %t, want %t", c.object, c.places, got, c.want)
		}
	}
}
