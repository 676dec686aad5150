package artifact

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

func TestProgress(t *testing.T) {
	for name, tc := range map[string]struct {
		bar   bool
		after time.Duration
		want  string
	}{
		"soon over":   {true, progressAfter / 2, ""},
		"a bar":       {true, 2 * progressAfter, "\r[===============               ] 512B of 1.0KiB\x1b[K"},
		"no terminal": {false, 2 * progressLine, "name: 512B of 1.0KiB\n"},
		"not yet":     {false, progressLine / 2, ""},
	} {
		var out bytes.Buffer
		p := &Progress{w: &out, name: "name", bar: tc.bar, start: time.Now()}
		p.add(512, 1024)
		p.show(p.start.Add(tc.after))
		if out.String() != tc.want {
			t.Errorf("%s: %q, want %q", name, out.String(), tc.want)
		}
	}
}

// TestProgressNarrow holds a line in a narrow terminal: one that wraps is left
// on the screen at each step.
func TestProgressNarrow(t *testing.T) {
	p := &Progress{done: 512, total: 1024}
	for width, want := range map[int]string{
		0:  "[===============               ] 512B of 1.0KiB",
		80: "[===============               ] 512B of 1.0KiB",
		30: "[======      ] 512B of 1.0KiB",
		22: "[==  ] 512B of 1.0KiB",
		20: "512B of 1.0KiB",
	} {
		if got := p.line(width); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}

func TestProgressQuiet(t *testing.T) {
	var out bytes.Buffer
	p := StartProgress(&cli.Globals{Stderr: &out, Quiet: true}, "name")
	blob := oci.NewBlob("x", []byte("content"))
	w := watched{oci.NewMemory(blob), p}
	if _, err := oci.ReadBlob(context.Background(), w, blob.Descriptor, 100); err != nil {
		t.Fatal(err)
	}
	p.End()
	if p.done != 7 || p.total != 7 || out.Len() > 0 {
		t.Errorf("counted %d of %d, printed %q; want 7 of 7 and nothing", p.done, p.total, out.String())
	}
	if _, err := w.OpenAt(context.Background(), blob.Descriptor, 3); err == nil {
		t.Error("memory was opened in the middle")
	}
}
