package inspect_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/golden"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// kernels is a layer of BTF for two kernels.
func kernels(t *testing.T) []byte {
	t.Helper()
	var entries []btfhub.LayerEntry
	for _, release := range []string{"5.10.0-30-amd64", "4.19.0-26-amd64"} {
		id := kernel.Identity{Distro: "debian", Version: "11", Arch: arch.AMD64, Release: release}
		entries = append(entries, btfhub.LayerEntry{Kernel: id, BTF: []byte(release)})
	}
	layer, err := btfhub.WriteLayer(entries)
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// TestPages are golden: a gadget with everything, one with every special type, one
// with arrays, one of wasm alone, and one that an operator fills.
func TestPages(t *testing.T) {
	full := fixture(t, "open.bpf.o", "open.yaml")
	full.BTF, full.Labels = kernels(t), map[string]string{"org.example.team": "storage"}
	other := full
	other.Arch = arch.ARM64
	wasm := gadget.ManifestInput{Arch: arch.AMD64, Wasm: []byte("\x00asm\x01\x00\x00\x00"), Metadata: []byte(`name: program
description: makes its own data
datasources:
  made:
    annotations:
      description: what the program makes
    fields:
      size:
        annotations:
          description: how much of it
params:
  wasm:
    depth:
      key: max-depth
      defaultValue: "7"
      description: how deep it looks
`)}
	processes := gadget.ManifestInput{Arch: arch.AMD64, Metadata: []byte(`name: processes
operator: {process: {emitstats: true, interval: 3s, fields: [comm, memoryRSS]}}
datasources: {processes: {fields: {comm: {annotations: {description: the name of the process}}}}}
`)}
	for name, inputs := range map[string][]gadget.ManifestInput{
		"processes": {processes},
		"open":      {full, other},
		"types":     {fixture(t, "types.bpf.o", "")},
		"counts":    {fixture(t, "counts.bpf.o", "counts.yaml")},
		"wasm":      {wasm},
	} {
		t.Run(name, func(t *testing.T) {
			g, _, messages := machine(t)
			src, _ := image(t, inputs...)
			report := describe(t, g, src)
			golden.Check(t, name+".txt", page(t, report))
			var data bytes.Buffer
			if err := show.Data(&data, show.YAML, report); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name+".yaml", data.Bytes())
			if messages.Len() > 0 {
				t.Errorf("messages: %s", messages)
			}
		})
	}
}

// TestRemotePage has what the manifest and gadget.yaml contain, and reports what is not
// known. No layer is read.
func TestRemotePage(t *testing.T) {
	g, _, _ := machine(t)
	in := fixture(t, "open.bpf.o", "open.yaml")
	in.BTF = kernels(t)
	src, p := image(t, in)
	whole := describe(t, g, src)
	for _, l := range whole.Layers {
		for d := range p.Memory {
			if d.String() == l.Digest {
				delete(p.Memory, d)
			}
		}
	}
	src.Remote = true
	golden.Check(t, "remote.txt", page(t, describe(t, g, src)))
}

// TestDescribeRefuses holds that errors name the part of an artifact that is wrong.
func TestDescribeRefuses(t *testing.T) {
	object := fixture(t, "open.bpf.o", "")
	with := func(change func(*gadget.ManifestInput)) gadget.ManifestInput {
		in := object
		change(&in)
		return in
	}
	for name, tc := range map[string]struct {
		in   gadget.ManifestInput
		want string
	}{
		"another architecture": {
			with(func(in *gadget.ManifestInput) { in.Arch = arch.ARM64 }), "arm64",
		},
		"damaged object": {
			with(func(in *gadget.ManifestInput) {
				in.Object = bytes.Replace(in.Object, []byte("\x9f\xeb\x01"), []byte("\x00\x00\x01"), 1)
			}), "BTF",
		},
		"damaged BTF": {
			with(func(in *gadget.ManifestInput) { in.BTF = []byte("no archive") }), "reading the btfgen layer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, _, _ := machine(t)
			src, _ := image(t, tc.in)
			_, err := inspect.Describe(g, src, arch.AMD64)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// TestMissingContent names the blob that the place of an artifact does not have.
func TestMissingContent(t *testing.T) {
	g, _, _ := machine(t)
	src, p := image(t, fixture(t, "open.bpf.o", "open.yaml"))
	whole := describe(t, g, src)
	for _, lost := range []string{whole.Digest, whole.ManifestDigest, whole.Layers[0].Digest} {
		for d, data := range p.Memory {
			if d.String() != lost {
				continue
			}
			delete(p.Memory, d)
			if _, err := inspect.Describe(g, src, arch.AMD64); err == nil || !strings.Contains(err.Error(), lost) {
				t.Errorf("without %s: got %v", lost, err)
			}
			p.Memory[d] = data
		}
	}
}

// TestMapMemory adds up the entries of maps of four keys of 4 bytes with values of 24,
// where a map has them so for each processor that the machine may have.
func TestMapMemory(t *testing.T) {
	g, _, _ := machine(t)
	src, _ := image(t, fixture(t, "maps.bpf.o", ""))
	report, err := inspect.Describe(g, src, arch.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	memory := map[string]int64{}
	for _, m := range report.Maps {
		memory[m.Name] = m.Memory
	}
	perCPU := int64(16 + 96*ebpf.MustPossibleCPU())
	for name, want := range map[string]int64{
		"hash": 112, "lru_hash": 112, "array": 112, "percpu_hash": perCPU, "lru_percpu_hash": perCPU, "percpu_array": perCPU,
	} {
		if memory[name] != want {
			t.Errorf("map %s takes %d bytes, want %d", name, memory[name], want)
		}
	}
}

// TestPageMovesNoCursor shows what an artifact claims about itself without what a terminal
// would act on, and on one line each.
func TestPageMovesNoCursor(t *testing.T) {
	const evil = "a\x1b[2Jb\r\nSigned by:    mallory\x07"
	report := &inspect.Report{
		Reference: evil, Digest: "sha256:" + strings.Repeat("1", 64), Arch: evil, Name: evil, Description: evil,
		Platforms: []string{evil}, Layers: []inspect.Layer{{MediaType: evil}}, Annotations: map[string]string{evil: evil},
		Params:      []inspect.Param{{Key: evil, Type: evil, Default: evil, Description: evil}},
		DataSources: []inspect.Source{{Name: evil, Kind: evil, Description: evil, Fields: []inspect.Field{{Name: evil}}}},
		Programs:    []inspect.Program{{Name: evil, Type: evil, Section: evil}}, Maps: []inspect.Map{{Name: evil}},
		Requires: []string{evil}, BTFKernels: []string{evil},
		Trust: inspect.Trust{Documents: []inspect.Document{{Type: evil, Digest: evil, Summary: evil}}},
	}
	out := page(t, report)
	if bytes.ContainsAny(out, "\x1b\x07\r") {
		t.Errorf("the page has control characters: %q", out)
	}
	if n := bytes.Count(out, []byte("\nSigned by: ")); n != 1 {
		t.Errorf("%d lines name the signer, want 1:\n%s", n, out)
	}
}

// full is a disk without room after some bytes.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errNoRoom
	}
	return len(p), nil
}

var errNoRoom = errors.New("no space left on device")

// TestPageOnFullDisk fails wherever the room ends.
func TestPageOnFullDisk(t *testing.T) {
	g, _, _ := machine(t)
	src, _ := image(t, fixture(t, "open.bpf.o", "open.yaml"))
	report := describe(t, g, src)
	size := len(page(t, report))
	for _, room := range []int{0, 100, size / 2, size - 1} {
		if err := report.Print(&full{room}); !errors.Is(err, errNoRoom) {
			t.Errorf("with room for %d of %d bytes: got %v", room, size, err)
		}
	}
	if err := report.Print(&full{size}); err != nil {
		t.Errorf("with enough room: %v", err)
	}
	changes := []inspect.Change{{Part: "map", Name: "a", Old: "b"}}
	if err := inspect.PrintChanges(&full{}, changes); !errors.Is(err, errNoRoom) {
		t.Errorf("changes without room: got %v", err)
	}
}

// TestCompare shows what a gadget gained, lost and changed; golden.
func TestCompare(t *testing.T) {
	g, _, _ := machine(t)
	older, _ := image(t, fixture(t, "open.bpf.o", "open.yaml"))
	changed := fixture(t, "open.bpf.o", "open.yaml")
	changed.Metadata = bytes.ReplaceAll(changed.Metadata, []byte(`defaultValue: "false"`), []byte(`defaultValue: "true"`))
	changed.BTF = kernels(t)
	newer, _ := image(t, changed)
	different, _ := image(t, fixture(t, "counts.bpf.o", "counts.yaml"))
	a, b, c := describe(t, g, older), describe(t, g, newer), describe(t, g, different)
	if same := inspect.Compare(a, a); len(same) != 0 || same == nil {
		t.Errorf("an artifact differs from itself: %v", same)
	}
	want := []inspect.Change{
		{
			Part: "param", Name: "failed",
			Old: `bool "false" Show only failed events`, New: `bool "true" Show only failed events`,
		},
		{Part: "kernel", Name: "debian/11/x86_64/4.19.0-26-amd64", New: "has BTF"},
		{Part: "kernel", Name: "debian/11/x86_64/5.10.0-30-amd64", New: "has BTF"},
	}
	var got []inspect.Change
	for _, change := range inspect.Compare(a, b) {
		if change.Part != "layer" {
			got = append(got, change)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes but of layers (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := inspect.PrintChanges(&out, inspect.Compare(a, c)); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "changes.txt", out.Bytes())
	back := inspect.Compare(c, a)
	for i, change := range inspect.Compare(a, c) {
		if back[i].Old != change.New || back[i].New != change.Old {
			t.Errorf("the other way round %+v becomes %+v", change, back[i])
		}
	}
}
