package artifact_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

func TestParseName(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	t.Chdir(t.TempDir())
	pin := "sha256:" + strings.Repeat("a", 64)
	for text, want := range map[string]artifact.Name{
		"./x":               {Path: "./x"},
		"../x":              {Path: "../x"},
		"/x/y:v1":           {Path: "/x/y:v1"},
		".":                 {Path: "."},
		"./x@" + pin:        {Path: "./x", Digest: digest.Digest(pin)},
		"oci:d":             {Path: "d"},
		"oci:d:v1":          {Path: "d", Member: "v1"},
		"oci:d:r.io/x:v1":   {Path: "d", Member: "r.io/x:v1"},
		"oci-archive:f.tar": {Path: "f.tar"},
	} {
		got, err := artifact.ParseName(text)
		if err != nil || got.Path != want.Path || got.Member != want.Member || got.Digest != want.Digest {
			t.Errorf("ParseName(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"x": "docker.io/library/x:latest", "x.tar": "docker.io/library/x.tar:latest",
		"docker://oci:v1":           "docker.io/library/oci:v1",
		"r.example:5000/a/x@" + pin: "r.example:5000/a/x@" + pin,
	} {
		if got, err := artifact.ParseName(text); err != nil || got.IsPath() || got.Reference.String() != want {
			t.Errorf("ParseName(%q) = %+v, %v, want the reference %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "oci:", "docker://", "docker://./x"} {
		if got, err := artifact.ParseName(text); cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("ParseName(%q) = %+v, %v, want a usage error", text, got, err)
		}
	}
	if _, err := artifact.ParseReference("./x"); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("a path as a reference: %v", err)
	}
}

// TestLayoutNamedLikeReference: a layout that is called like a reference is not
// run instead, and the registry gets no request.
func TestLayoutNamedLikeReference(t *testing.T) {
	a := newAdmission(t)
	t.Chdir(t.TempDir())
	other := registrytest.NewArtifact(t, 8, 10)
	if err := os.MkdirAll(filepath.Dir(admittedName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other.Layout(t), admittedName); err != nil {
		t.Fatal(err)
	}
	g := &cli.Globals{Ctx: t.Context(), State: a.state, Stdout: &bytes.Buffer{}, Stderr: cli.Serial(&bytes.Buffer{})}
	for _, text := range []string{admittedName, admittedName + "@" + a.artifact.Root.Digest.String()} {
		_, err := artifact.Open(g, text, artifact.RegistryFlags{}, false)
		if err == nil || !strings.Contains(err.Error(), `"./registry.example`) ||
			!strings.Contains(err.Error(), `"docker://registry.example`) {
			t.Errorf("%s: error %v, want both spellings", text, err)
		}
	}
	if asked := a.srv.Seen(""); len(asked) > 0 {
		t.Errorf("the registry was asked: %q", asked)
	}
	src, err := artifact.Open(g, "docker://"+admittedName, artifact.RegistryFlags{}, false)
	if err != nil || src.Root.Digest != a.artifact.Root.Digest {
		t.Errorf("the reference is %v, %v", src, err)
	}
	src, err = artifact.Open(g, "./"+admittedName, artifact.RegistryFlags{}, false)
	if err != nil || src.Root.Digest != other.Root.Digest {
		t.Errorf("the path is %v, %v", src, err)
	}
	_, err = artifact.Open(g, "./"+admittedName+"@"+a.artifact.Root.Digest.String(), artifact.RegistryFlags{}, false)
	if err == nil || !strings.Contains(err.Error(), "has the digest") {
		t.Errorf("another digest: %v", err)
	}
}

// TestSourceDirectoryBesideAReference: a directory that is not a layout is not
// in the way.
func TestSourceDirectoryBesideAReference(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("trace_open", 0o755); err != nil {
		t.Fatal(err)
	}
	if n, err := artifact.ParseName("trace_open"); err != nil || n.IsPath() {
		t.Errorf("ParseName = %+v, %v", n, err)
	}
}

// TestIndexWithItsManifestsBeside: index.json may list the platforms' manifests,
// without a name, next to the index that has them.
func TestIndexWithItsManifestsBeside(t *testing.T) {
	art := registrytest.NewArtifact(t, 1, 100)
	dir := art.Layout(t)
	named := art.Root
	named.Annotations = map[string]string{ocispec.AnnotationRefName: "example.com/g:v1"}
	writeIndex(t, dir, art.Manifests[arch.AMD64], named, art.Manifests[arch.ARM64])
	for _, text := range []string{dir, "oci:" + dir + ":example.com/g:v1", dir + "@" + art.Root.Digest.String()} {
		n, err := artifact.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		src, err := artifact.OpenPath(t.Context(), n)
		if err != nil || src.Root.Digest != art.Root.Digest {
			t.Errorf("%s: %v, %v", text, src, err)
			continue
		}
		src.Release()
	}
	other := registrytest.NewArtifact(t, 2, 100).Root
	other.Annotations = map[string]string{ocispec.AnnotationRefName: "v2"}
	writeIndex(t, dir, named, other)
	_, err := artifact.OpenPath(t.Context(), artifact.Name{Text: dir, Path: dir})
	if err == nil || !strings.Contains(err.Error(), `"oci:`+dir+`:v2"`) {
		t.Errorf("error %v, want how to choose", err)
	}
}

func writeIndex(t *testing.T, dir string, all ...ocispec.Descriptor) {
	t.Helper()
	data, err := action.JSON(ocispec.Index{Manifests: all})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, ocispec.ImageIndexFile), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPathsGoThroughThePolicy: a layout is verified as what a registry serves.
func TestPathsGoThroughThePolicy(t *testing.T) {
	a := newAdmission(t)
	n := artifact.Name{Path: a.artifact.Layout(t)}
	src, err := artifact.OpenPath(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Release()
	g := &cli.Globals{Ctx: t.Context(), State: a.state, Stdout: &bytes.Buffer{}, Stderr: cli.Serial(&bytes.Buffer{})}
	admit := func(trust artifact.TrustFlags) error {
		return artifact.Admit(g, artifact.Admission{Trust: trust, Digest: src.Root.Digest, Stored: src.Place})
	}
	if err := admit(a.trust); err == nil || !strings.Contains(err.Error(), "no signature that came with it is accepted") {
		t.Errorf("--public-keys: error %v, want a refusal", err)
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("version: 1\nlocal: refuse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := admit(artifact.TrustFlags{VerifyImage: true, Policy: cli.File(policy)}); err == nil ||
		!strings.Contains(err.Error(), "is refused by") {
		t.Errorf("local: refuse: error %v, want a refusal", err)
	}
	if err := admit(artifact.TrustFlags{VerifyImage: true}); err != nil {
		t.Errorf("the built-in policy: %v", err)
	}
}

// TestPathsOfOtherFileTypes refuses devices, and what is empty.
func TestPathsOfOtherFileTypes(t *testing.T) {
	for path, want := range map[string]string{"/dev/zero": "it is a device", "/dev/null": "it is empty"} {
		if _, err := artifact.OpenArchive(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
