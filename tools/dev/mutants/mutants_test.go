package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// sample returns a gadget in the forms that need no runner.
func sample(t *testing.T) original {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	object, metadata := gadgettest.File(t, "open.bpf.o"), gadgettest.File(t, "open.yaml")
	err := gadgettest.WriteLayout(dir, object, metadata, arch.AMD64, arch.ARM64)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := readTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	source := tree{"build.yaml": []byte("archs: [amd64]\n"), "gadget.yaml": gadgettest.File(t, "open.yaml")}
	return original{layout: layout, docker: layout, store: layout, source: source, good: dir}
}

func TestMutants(t *testing.T) {
	o := sample(t)
	for _, k := range kinds(false) {
		t.Run(k.name, func(t *testing.T) {
			same := 0
			undamaged := func(_ *rand.Rand, o original, dir string) error { return o.layout.write(dir) }
			good, err := mutant(t, kind{damage: undamaged}, o, 0)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(20) {
				a, err := mutant(t, k, o, seed)
				if errors.Is(err, errAbsent) && (k.name == "wasm" || k.name == "BTF layer") {
					return
				}
				b, _ := mutant(t, k, o, seed)
				if err != nil || a != b {
					t.Fatalf("mutant %d: %v; or it is another one each time", seed, err)
				}
				if a == good {
					same++
				}
			}
			if same > 5 {
				t.Errorf("%d of 20 mutants are the original", same)
			}
		})
	}
}

// mutant returns the names and contents of a mutant's files.
func mutant(t *testing.T, k kind, o original, seed uint64) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := k.damage(rand.New(rand.NewPCG(seed, 0)), o, dir); err != nil {
		return "", err
	}
	files, err := readTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range files.names() {
		all.WriteString(strings.TrimPrefix(name, "in/") + "\x00")
		all.Write(files[name])
	}
	return all.String(), nil
}

// TestDigests checks that a damaged blob is found by its digest, so that commands
// read it instead of refusing it.
func TestDigests(t *testing.T) {
	o := sample(t)
	for _, k := range kinds(false)[:2] {
		dir := t.TempDir()
		if err := k.damage(rand.New(rand.NewPCG(7, 0)), o, dir); err != nil {
			t.Fatal(err)
		}
		files, err := readTree(filepath.Join(dir, "in"))
		if err != nil {
			t.Fatal(err)
		}
		named := digestsOf(files, "application/vnd.oci.image.manifest.v1+json")
		if len(named) != 1 { // the same for both architectures
			t.Fatalf("%s: manifests %v", k.name, named)
		}
		for name, data := range files {
			sum := sha256.Sum256(data)
			if strings.HasPrefix(name, "blobs/") && filepath.Base(name) != hex.EncodeToString(sum[:]) {
				t.Errorf("%s: %s has another content", k.name, name)
			}
		}
	}
}

func TestFault(t *testing.T) {
	for _, o := range []outcome{
		{code: 3},
		{code: -1, stderr: "gadget-run: x"},
		{code: 1},
		{code: 1, stderr: "gadget-run: \n"},
		{code: 1, stderr: "gadget-run: internal error: x"},
		{code: 0, stderr: "panic: x"},
		{code: 1, stderr: "gadget-run: \x1b[1m"},
		{stdout: "\xff"},
		{stdout: "\u202e"},
		{code: 1, stderr: "gadget-run: " + strings.Repeat("x", maxStderr)},
		{rss: maxRSS + 1},
		{cpu: maxTime + 1},
		{killed: true},
	} {
		if o.fault(maxRSS) == "" {
			t.Errorf("%+v counts as right", o)
		}
	}
	for _, o := range []outcome{
		{},
		{code: 1, stderr: "Building x\nx.c:7:10: fatal error: no such file\ngadget-run: it is damaged\n"},
		{code: 2, stderr: "gadget-run: x"},
	} {
		if why := o.fault(maxRSS); why != "" {
			t.Errorf("%+v: %s", o, why)
		}
	}
}

// TestSeries runs a series with a program that fails at some mutants in place of
// gadget-run, and continues with it.
func TestSeries(t *testing.T) {
	runner := filepath.Join(t.TempDir(), "runner")
	script := "#!/bin/sh\ncase \"$*\" in *unpack*) exit 1;; *) echo done;; esac\n"
	if err := os.WriteFile(runner, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var out bytes.Buffer
	c := config{
		runner: runner, results: filepath.Join(dir, "results"), keep: filepath.Join(dir, "kept"), jobs: 2, seed: 5,
	}
	for _, count := range []int{40, 60} { // the second continues
		c.count = count
		s := series{config: c, dir: t.TempDir(), originals: []original{sample(t)}, kinds: kinds(false), out: &out}
		if err := s.all(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "mutants failed") {
			t.Fatalf("a silent failure gives %v", err)
		}
	}
	var got results
	data, err := os.ReadFile(c.results)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	var sum row
	for _, r := range got.Rows {
		sum.add(*r)
	}
	kept, err := os.ReadDir(c.keep)
	if err != nil || got.Next != 65 || sum.Succeeded+sum.Faults != 60 || sum.Faults == 0 || len(kept) != sum.Faults {
		t.Errorf("next %d, %+v, %d kept, %v", got.Next, sum, len(kept), err)
	}
	if !strings.Contains(out.String(), ": no sentence\n") {
		t.Errorf("the report is %.500s", out.String())
	}
}

func TestUsage(t *testing.T) {
	if err := run(t.Context(), []string{"--runner=x"}, io.Discard); err == nil {
		t.Error("a command line without archives counts as right")
	}
}
