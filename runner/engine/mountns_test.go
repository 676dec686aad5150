package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func TestFilterMountNS(t *testing.T) {
	gadgettest.NeedsKernel(t)
	p, err := gadgetapi.Read(gadgettest.File(t, "contained.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.FiltersMountNS() {
		t.Fatal("the gadget has a filter, but the plan does not have it")
	}
	l, err := engine.Load(p, engine.LoadOptions{FilterMountNS: true, Note: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	wanted, other := gadgettest.StartContained(t, "wanted"), gadgettest.StartContained(t, "other")
	if err := l.AllowMountNS(wanted.MountNS); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	events, after := 0, 0
	var forbidden time.Time
	rec := &recorder{found: func(s []byte) {
		switch ns := binary.NativeEndian.Uint64(s); {
		case ns != wanted.MountNS || bytes.Contains(s, []byte(other.File)):
			t.Errorf("an event of mount namespace %d came, want only %d", ns, wanted.MountNS)
		case forbidden.IsZero():
			events++
		case time.Since(forbidden) > 200*time.Millisecond:
			after++ // what was under way has come before
		}
		if events == 3 && forbidden.IsZero() {
			if err := l.ForbidMountNS(wanted.MountNS); err != nil {
				t.Error(err)
			}
			forbidden = time.Now()
			time.AfterFunc(500*time.Millisecond, cancel)
		}
	}}
	if err := l.Run(ctx, rec, func() {}); err != nil {
		t.Fatal(err)
	}
	if events != 3 || after > 0 {
		t.Errorf("%d events came while the namespace was allowed, %d when it no longer was, want 3 and 0", events, after)
	}
}

func TestNoFilterOfMountNS(t *testing.T) {
	p, err := gadgetapi.Read(gadgettest.File(t, "contained_user.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	if p.FiltersMountNS() {
		t.Error("the gadget has no filter, but the plan has one")
	}
	gadgettest.NeedsKernel(t)
	_, err = engine.Load(p, engine.LoadOptions{FilterMountNS: true})
	if err == nil || !strings.Contains(err.Error(), "cannot filter by mount namespace") {
		t.Errorf("got %v, want an error about the filter", err)
	}
}
