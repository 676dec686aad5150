package imagecmd

import (
	"bytes"
	"context"
	"reflect"
	"strings"
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
		p := &progress{w: &out, name: "name", bar: tc.bar, start: time.Now()}
		p.add(512, 1024)
		p.show(p.start.Add(tc.after))
		if out.String() != tc.want {
			t.Errorf("%s: %q, want %q", name, out.String(), tc.want)
		}
	}
}

func TestProgressIsQuiet(t *testing.T) {
	var out bytes.Buffer
	p := startProgress(&cli.Globals{Stderr: &out, Quiet: true}, "name")
	blob := oci.NewBlob("x", []byte("content"))
	w := watched{oci.NewMemory(blob), p}
	if _, err := oci.ReadBlob(context.Background(), w, blob.Descriptor, 100); err != nil {
		t.Fatal(err)
	}
	p.end()
	if p.done != 7 || p.total != 7 || out.Len() > 0 {
		t.Errorf("counted %d of %d, printed %q; want 7 of 7 and nothing", p.done, p.total, out.String())
	}
	if _, err := w.OpenAt(context.Background(), blob.Descriptor, 3); err == nil {
		t.Error("memory was opened in the middle")
	}
}

func TestHumanSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.0KiB", 1536: "1.5KiB", 1 << 20: "1.0MiB", 5 << 40: "5.0TiB"} {
		if got := humanSize(n); got != want {
			t.Errorf("humanSize(%d) = %q, want %q", n, got, want)
		}
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"1970-01-01T00:00:00Z": "-", "": "-", "junk": "-", "2026-11-21T11:59:30Z": "just now", "2026-11-21T11:58:00Z": "2 minutes ago",
		"2026-11-20T12:00:00Z": "1 day ago", "2024-11-20T12:00:00Z": "2 years ago",
	} {
		if got := humanTime(text, now); got != want {
			t.Errorf("humanTime(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPrintableHidesControlCharacters(t *testing.T) {
	if got := printable("a\x1b[2Jb\nc\u009bd"); strings.ContainsAny(got, "\x1b\n\u009b") || !strings.Contains(got, "[2Jb") {
		t.Errorf("printable = %q", got)
	}
}

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]string{"linux/amd64": "amd64", "arm64": "arm64", "linux/arm64/v8": "arm64", "linux/aarch64": "arm64"} {
		if got, err := parsePlatform(text); err != nil || got.String() != want {
			t.Errorf("parsePlatform(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"windows/amd64", "linux/riscv64", "", "linux/"} {
		if got, err := parsePlatform(text); err == nil {
			t.Errorf("parsePlatform(%q) = %q, want an error", text, got)
		}
	}
}

func TestParseOutputs(t *testing.T) {
	for text, want := range map[string]output{
		"type=oci,dest=a.tar":     {kind: typeOCI, dest: "a.tar"},
		"type=tar":                {kind: typeTar, dest: "-"},
		"type=docker,dest=-":      {kind: typeDocker, dest: "-"},
		"type=local,dest=rootfs/": {kind: typeLocal, dest: "rootfs/"},
		"type=image":              {kind: typeImage},
		"-":                       {kind: typeTar, dest: "-"},
		"rootfs":                  {kind: typeLocal, dest: "rootfs"},
	} {
		if got, err := parseOutputs([]string{text}); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("parseOutputs(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	t.Setenv("GADGET_RUN_REGISTRIES", "/dev/null")
	got, err := parseOutputs([]string{"type=image,name=r.example/img", "type=docker,dest=x,name=img:v1"})
	if err != nil || len(got) != 2 || got[0].names[0].String() != "r.example/img:latest" || got[1].names[0].Tag != "v1" {
		t.Errorf("parseOutputs = %v, %v", got, err)
	}
	for _, text := range []string{
		"", "oci", "type=x", "type=image,dest=x", "type=local", "type=local,dest=-", "type=oci,dest=x,more=y",
		"type=tar,name=x", "type=image,name=Bad//Name", "dest=x",
	} {
		if got, err := parseOutputs([]string{text}); err == nil {
			t.Errorf("parseOutputs(%q) = %v, want an error", text, got)
		}
	}
	if got, err := parseOutputs([]string{"type=tar", "type=oci"}); err == nil {
		t.Errorf("two archives on standard output: %v, want an error", got)
	}
}
