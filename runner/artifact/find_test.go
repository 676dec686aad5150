package artifact_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// stored is a machine whose store has artifacts, by their names.
type stored struct {
	*cli.Globals
	artifacts map[string]*registrytest.Artifact
}

// newStored stores a separate artifact under each name; equal numbers are equal
// artifacts.
func newStored(t *testing.T, names map[string]uint64) *stored {
	t.Helper()
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	s := &stored{&cli.Globals{
		Ctx: t.Context(), State: t.TempDir(), Stdout: &bytes.Buffer{}, Stderr: cli.Serial(&bytes.Buffer{}),
	}, map[string]*registrytest.Artifact{}}
	to, err := artifact.OpenStore(s.Globals)
	if err != nil {
		t.Fatal(err)
	}
	for name, number := range names {
		a := registrytest.NewArtifact(t, number, 100)
		s.artifacts[name] = a
		if err := to.Put(t.Context(), a.Memory, a.Root, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *stored) digest(name string) string { return s.artifacts[name].Root.Digest.String() }

const (
	storedOne  = "docker.io/library/one:latest"
	storedTwo  = "registry.example/team/two:v2"
	storedCopy = "registry.example/team/copy:v2"
)

func someStored(t *testing.T) *stored {
	return newStored(t, map[string]uint64{storedOne: 1, storedTwo: 2, storedCopy: 2})
}

// TestFindInStore finds an artifact by the names that users write: short and whole
// names, with a digest, and the start of a digest.
func TestFindInStore(t *testing.T) {
	s := someStored(t)
	to, err := artifact.OpenStore(s.Globals)
	if err != nil {
		t.Fatal(err)
	}
	one, two := s.digest(storedOne), s.digest(storedTwo)
	for text, want := range map[string][]string{
		"one":                                   {storedOne},
		"library/one":                           {storedOne},
		"docker.io/library/one:latest":          {storedOne},
		"docker://one":                          {storedOne},
		"one@" + one:                            {storedOne},
		"one:latest@" + one:                     {storedOne},
		"one:v9@" + one:                         {storedOne},
		storedTwo:                               {storedTwo},
		"registry.example/team/two@" + two:      {storedTwo},
		one:                                     {storedOne},
		one[:len("sha256:")+8]:                  {storedOne},
		strings.TrimPrefix(one, "sha256:"):      {storedOne},
		strings.TrimPrefix(two, "sha256:"):      {storedCopy, storedTwo},
		two[len("sha256:") : 12+len("sha256:")]: {storedCopy, storedTwo},
	} {
		refs, err := artifact.FindAll(to, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, r := range refs {
			got = append(got, r.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if first, err := artifact.Find(to, text); err != nil || first.Name != want[0] {
			t.Errorf("%s alone is %q, %v, want %s", text, first.Name, err, want[0])
		}
	}
}

// TestNotInStore holds that the error names what is missing and the store.
func TestNotInStore(t *testing.T) {
	s := someStored(t)
	to, err := artifact.OpenStore(s.Globals)
	if err != nil {
		t.Fatal(err)
	}
	two := s.digest(storedTwo)
	for text, name := range map[string]string{
		"three":                            "docker.io/library/three:latest",
		"one:v2":                           "docker.io/library/one:v2",
		"registry.example/other/two:v2":    "registry.example/other/two:v2",
		"one@" + two:                       "docker.io/library/one@" + two,
		"registry.example/team/six@" + two: "registry.example/team/six@" + two,
		"0123456789":                       "0123456789",
		"sha256:0123456789":                "sha256:0123456789",
	} {
		want := name + " is not in the store"
		_, err := artifact.Find(to, text)
		if !errors.Is(err, oci.ErrNotFound) || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), s.State) {
			t.Errorf("%s: got %v, want %s and the directory", text, err, want)
		}
	}
}

// TestSeveralNames holds the error for a digest that does not select one of them.
func TestSeveralNames(t *testing.T) {
	s := someStored(t)
	to, err := artifact.OpenStore(s.Globals)
	if err != nil {
		t.Fatal(err)
	}
	digest := s.digest(storedTwo)
	refs, err := artifact.FindAll(to, digest)
	if err != nil {
		t.Fatal(err)
	}
	want := `"` + digest + `" has 2 names, write one of them: ` + storedCopy + " and " + storedTwo + " are two"
	if err := artifact.SeveralNames(digest, refs); err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestOpenHere opens what is on this machine: a layout, a tag, a digest.
func TestOpenHere(t *testing.T) {
	s := someStored(t)
	other := registrytest.NewArtifact(t, 9, 100)
	layout := other.Layout(t)
	for text, want := range map[string]struct{ digest, pinned string }{
		"one":               {s.digest(storedOne), storedOne + "@" + s.digest(storedOne)},
		s.digest(storedTwo): {s.digest(storedTwo), storedCopy + "@" + s.digest(storedTwo)},
		layout:              {other.Root.Digest.String(), layout + "@" + other.Root.Digest.String()},
		layout + "@" + other.Root.Digest.String(): {
			other.Root.Digest.String(), layout + "@" + other.Root.Digest.String(),
		},
	} {
		t.Run(filepath.Base(text), func(t *testing.T) {
			open := func(g *cli.Globals, text string) (*artifact.Source, error) {
				return artifact.Open(g, text, artifact.RegistryFlags{}, false)
			}
			if !artifact.IsDigestPrefix(text) {
				open = artifact.OpenHere
			}
			src, err := open(s.Globals, text)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Release()
			if src.Root.Digest.String() != want.digest || src.Pinned() != want.pinned || src.Remote {
				t.Errorf("got %s, pinned %s, remote %t, want %s and %s", src.Root.Digest, src.Pinned(), src.Remote,
					want.digest, want.pinned)
			}
			if _, err := oci.ReadBlob(t.Context(), src.Blobs, src.Root, oci.MaxManifest); err != nil {
				t.Errorf("its manifest: %v", err)
			}
		})
	}
	if _, err := artifact.OpenHere(s.Globals, "three"); !errors.Is(err, oci.ErrNotFound) {
		t.Errorf("what is not here: got %v", err)
	}
	_, err := artifact.OpenHere(s.Globals, "./nothing")
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a path that is not here: got %v", err)
	}
}

// TestStoreWithoutDirectory is for a user without a home.
func TestStoreWithoutDirectory(t *testing.T) {
	const want = "no directory for the store is known, set HOME or name one with --state"
	g := &cli.Globals{Ctx: t.Context()}
	if _, _, err := artifact.HoldStore(g); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := artifact.OpenHere(g, "one"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
