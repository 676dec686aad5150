package btfgen_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// shards returns the archives by shard.
func shards(t testing.TB) map[btfhub.Shard][]string {
	t.Helper()
	out := map[btfhub.Shard][]string{}
	for _, a := range archives(t) {
		s := btfhub.Shard{Distro: a.Kernel.Distro, Version: a.Kernel.Version, Arch: a.Kernel.Arch}
		out[s] = append(out[s], a.Path)
	}
	return out
}

// importShard writes an imported shard and returns its path.
func importShard(t testing.TB, s btfhub.Shard, paths []string) string {
	t.Helper()
	data, _, err := btfgen.Import(t.Context(), s, paths, 2)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "test.btfshard", data)
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func allObjects(t testing.TB) []*core.Object {
	t.Helper()
	var out []*core.Object
	for _, name := range objectNames {
		out = append(out, readObject(t, object(name, "el")))
	}
	return out
}

// TestShardEqualsArchives checks that the imported form loses nothing: the
// bytes and outcomes are those of the archives themselves.
func TestShardEqualsArchives(t *testing.T) {
	objects := allObjects(t)
	direct, err := btfgen.GenerateArchives(t.Context(), objects, archives(t), 2)
	if err != nil || direct.Err() != nil {
		t.Fatal(err, direct.Err())
	}
	want := map[string][]byte{}
	results := map[string]string{}
	for i, e := range direct.Entries {
		want[btfhub.LayerPath(e.Kernel)] = e.BTF
		results[btfhub.LayerPath(e.Kernel)] = direct.Report.Kernels[i].Results
	}
	for s, paths := range shards(t) {
		out, err := btfgen.Generate(objects, importShard(t, s, paths))
		if err != nil || out.Err() != nil {
			t.Fatal(err, out.Err())
		}
		if len(out.Entries) != len(paths) {
			t.Errorf("%s: %d kernels came out, want %d", s, len(out.Entries), len(paths))
		}
		for i, e := range out.Entries {
			path := btfhub.LayerPath(e.Kernel)
			if !bytes.Equal(e.BTF, want[path]) {
				t.Errorf("%s: BTF differs between shard and archive", path)
			}
			if got := out.Report.Kernels[i].Results; got != results[path] || got == "" {
				t.Errorf("%s: results are %q, want %q", path, got, results[path])
			}
		}
	}
}

// TestImportDeterministic imports in another order and with another number
// of workers.
func TestImportDeterministic(t *testing.T) {
	for s, paths := range shards(t) {
		a, _, err := btfgen.Import(t.Context(), s, paths, 1)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(paths)
		b, _, err := btfgen.Import(t.Context(), s, paths, 3)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the file depends on the order of archives", s)
		}
	}
}

// TestEqualKernelsComputedOnce has two kernels that agree in all that the
// objects see.
func TestEqualKernelsComputedOnce(t *testing.T) {
	root := filepath.Join("testdata", "archive", "debian", "13", "x86_64")
	paths := []string{
		filepath.Join(root, "6.12.115+deb13-cloud-amd64.btf.tar.xz"),
		filepath.Join(root, "6.12.117+deb13-cloud-amd64.btf.tar.xz"),
		filepath.Join(root, "7.2.12+deb13-cloud-amd64.btf.tar.xz"),
	}
	s, err := btfhub.ParseShard("debian/13/x86_64")
	if err != nil {
		t.Fatal(err)
	}
	out, err := btfgen.Generate(allObjects(t), importShard(t, s, paths))
	if err != nil {
		t.Fatal(err)
	}
	if out.Computed != 2 {
		t.Errorf("%d results were computed for 3 kernels, want 2", out.Computed)
	}
	if !bytes.Equal(out.Entries[0].BTF, out.Entries[1].BTF) || bytes.Equal(out.Entries[1].BTF, out.Entries[2].BTF) {
		t.Error("the first two kernels should be equal, the third not")
	}
}

// TestBadArchives has one good archive among bad ones: each bad one is named,
// the good one comes out.
func TestBadArchives(t *testing.T) {
	good := filepath.Join("testdata", "archive", "debian", "12", "x86_64", "6.1.0-47-cloud-amd64.btf.tar.xz")
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	flipped := slices.Clone(data)
	flipped[len(flipped)/2] ^= 1
	var noBTF bytes.Buffer
	if err := btfhub.WriteArchive(&noBTF, "4-text", []byte("this is not BTF")); err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"1-cut": data[:len(data)/2], "2-flipped": flipped, "3-name": data, "4-text": noBTF.Bytes(),
	}
	paths := []string{good}
	for release, content := range bad {
		path := filepath.Join(dir, release+btfhub.ArchiveSuffix)
		if err := action.WriteFile(path, content); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	s, err := btfhub.ParseShard("debian/12/x86_64")
	if err != nil {
		t.Fatal(err)
	}
	out, report, err := btfgen.Import(context.Background(), s, paths, 2)
	failures := (*btfgen.FailuresError)(nil)
	if !errors.As(err, &failures) || len(failures.Failures) != len(bad) {
		t.Fatalf("Import = %v, want an error with %d failures", err, len(bad))
	}
	for release := range bad {
		if !strings.Contains(err.Error(), "debian/12/x86_64/"+release+".btf.tar.xz") {
			t.Errorf("the error does not name %q: %v", release, err)
		}
	}
	if report.Stats.Kernels != 1 {
		t.Errorf("%d kernels were imported, want 1", report.Stats.Kernels)
	}
	gen, err := btfgen.Generate(allObjects(t), writeFile(t, "x.btfshard", out))
	if err != nil || len(gen.Entries) != 1 {
		t.Fatalf("Generate = %v, %v", gen, err)
	}
}

func TestImportRefusesOneKernelTwice(t *testing.T) {
	s, path := btfhub.Shard{}, ""
	for some, paths := range shards(t) {
		s, path = some, paths[0]
	}
	if _, _, err := btfgen.Import(t.Context(), s, []string{path, path}, 1); err == nil ||
		!strings.Contains(err.Error(), "twice") {
		t.Errorf("Import of one archive twice = %v", err)
	}
}

func TestResultsRoundTrip(t *testing.T) {
	out, err := btfgen.GenerateArchives(t.Context(), allObjects(t), archives(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := btfgen.WriteResults(&buf, out.Entries); err != nil {
		t.Fatal(err)
	}
	got, err := btfgen.ReadResults(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.Entries, got); diff != "" {
		t.Errorf("results (-written +read):\n%s", diff)
	}
	for i := range buf.Len() {
		damaged := bytes.Clone(buf.Bytes())
		damaged[i] ^= 0x10
		if _, err := btfgen.ReadResults(damaged); err == nil {
			t.Fatalf("a flipped bit in byte %d goes unnoticed", i)
		}
	}
}
