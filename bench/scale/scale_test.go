package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseSizes(t *testing.T) {
	if got, err := parseSizes("2,5,10"); err != nil || len(got) != 3 || got[2] != 10 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "0", "5,5", "5,2", "1001", "two"} {
		if _, err := parseSizes(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestProgramsDiffer proves that no two gadgets have the same results.
func TestProgramsDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range maxGadgets {
		_, body, _ := strings.Cut(program(i), "event->timestamp_raw")
		if before, ok := seen[body]; ok {
			t.Fatalf("gadgets %d and %d read the same fields in the same order", before, i)
		}
		seen[body] = i
	}
}

func TestWorkspace(t *testing.T) {
	archive := t.TempDir()
	shard := filepath.Join(archive, "debian", "12", "x86_64")
	for _, name := range []string{"one", "two"} {
		if err := write(filepath.Join(shard, name+".btf.tar.xz"), name); err != nil {
			t.Fatal(err)
		}
	}
	o := options{dir: t.TempDir(), archive: archive, checkout: "/checkout"}
	if n, err := makeWorkspace(o); err != nil || n != 2 {
		t.Fatalf("%d archives, %v", n, err)
	}
	dir := workspaceDir(o.dir)
	if err := addGadgets(dir, 3, []string{"amd64"}); err != nil {
		t.Fatal(err)
	}
	for _, edit := range []func(string) error{editGadget, editHeader, editArchive} {
		if err := edit(dir); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := archiveFiles(dir); err != nil || len(files) != 1 {
		t.Errorf("an edit leaves %q, %v, want one archive less", files, err)
	}
	if err := editArchive(dir); err != nil {
		t.Fatal(err)
	}
	if files, err := archiveFiles(dir); err != nil || len(files) != 2 {
		t.Errorf("the next edit leaves %q, %v, want the archive back", files, err)
	}
}

func TestReadEvents(t *testing.T) {
	events := filepath.Join(t.TempDir(), "events")
	text := `{"id":{"started":{}}}
{"id":{"buildMetrics":{}},"buildMetrics":{"actionSummary":{"actionData":[{"mnemonic":"BtfGen","actionsExecuted":"8","systemTime":"0.5s","userTime":"1.500s"},` +
		`{"mnemonic":"GoLink","actionsExecuted":"1","userTime":"9s"}]},"memoryMetrics":{"usedHeapSizePostBuild":"77000000"},"timingMetrics":{"analysisPhaseTimeInMs":"1234"}}}
`
	if err := os.WriteFile(events, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var m built
	if err := m.read(events); err != nil {
		t.Fatal(err)
	}
	m.wall = 3 * time.Second
	if got, want := m.row(20, "x"), "| 20 | x | 3.0 | 1.2 | 8 | 0 | 0 | 8 | 2.0 | 77 |\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}
