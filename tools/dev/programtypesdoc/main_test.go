package main

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestPage finds every kind, section and need on the page, under what the runner
// does with it.
func TestPage(t *testing.T) {
	data, err := render(gadgetapi.Kinds(), gadgetapi.Needs())
	if err != nil {
		t.Fatal(err)
	}
	attached, refused, ok := strings.Cut(string(data), "\n## Refused\n")
	if !ok {
		t.Fatal("the page has no section of refused kinds")
	}
	for _, k := range gadgetapi.Kinds() {
		part := refused
		if k.Attachable() {
			part = attached
		}
		row := "| " + k.Name + " | `" + strings.Join(k.Sections, "`, `") + "` |"
		if !strings.Contains(part, row) {
			t.Errorf("kind %q: no row %q where it belongs", k.Name, row)
		}
	}
	for _, n := range gadgetapi.Needs() {
		if !strings.Contains(refused, "| "+string(n.Need)+" | ") {
			t.Errorf("need %q is not on the page", n.Need)
		}
	}
}

func TestRefusesKindWithoutHint(t *testing.T) {
	if _, err := render([]gadgetapi.Kind{{Name: "odd"}}, nil); err == nil || !strings.Contains(err.Error(), `"odd"`) {
		t.Errorf("got %v, want an error that names the kind", err)
	}
}
