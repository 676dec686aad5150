package lockfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
)

var (
	someDigest  = digest.FromString("a")
	otherDigest = digest.FromString("b")
)

func someLock() lockfile.Lock {
	return lockfile.Lock{Gadgets: []lockfile.Gadget{
		{Name: "r.example/b:v1", Digest: otherDigest, MediaType: ocispec.MediaTypeImageManifest, Size: 7},
		{
			Name: "r.example/a:v1", Digest: someDigest, MediaType: ocispec.MediaTypeImageIndex, Size: 100,
			Platforms: []lockfile.Platform{{Platform: "linux/amd64", Digest: otherDigest}},
			Signers:   []lockfile.Signer{{Name: "release", Key: "sha256:1"}},
			Referrers: []lockfile.Referrer{
				{Digest: otherDigest, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: "x/y", Size: 9},
				{
					Digest: otherDigest, MediaType: ocispec.MediaTypeImageManifest, Size: 9, Tag: "sha256-" + someDigest.Encoded() +
						".sig",
				},
			},
		},
	}}
}

// golden is the format; a change of it is a new version.
const golden = `# Written by "gadget-run lock". What is edited here is refused: edit the list and lock it again.
version: 1
gadgets:
  - name: r.example/a:v1
    digest: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
    mediaType: application/vnd.oci.image.index.v1+json
    size: 100
    platforms:
      - platform: linux/amd64
        digest: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
    signers:
      - name: release
        key: sha256:1
    referrers:
      - digest: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
        mediaType: application/vnd.oci.image.manifest.v1+json
        artifactType: x/y
        size: 9
      - digest: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
        mediaType: application/vnd.oci.image.manifest.v1+json
        size: 9
        tag: sha256-ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb.sig
  - name: r.example/b:v1
    digest: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
    mediaType: application/vnd.oci.image.manifest.v1+json
    size: 7
checksum: CHECKSUM
`

func formatted(tb testing.TB) string {
	tb.Helper()
	data, err := someLock().Format()
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func TestFormat(t *testing.T) {
	text := formatted(t)
	parsed, err := lockfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Replace(golden, "CHECKSUM", parsed.Checksum.String(), 1), text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := parsed.Format()
	if err != nil || string(again) != text {
		t.Errorf("what was read is written in another way: %v\n%s", err, again)
	}
	if want := digest.FromString(strings.Replace(golden, "CHECKSUM", `""`, 1)); parsed.Checksum != want {
		t.Errorf("checksum %s, want %s", parsed.Checksum, want)
	}
}

func TestFind(t *testing.T) {
	lock, err := lockfile.Parse([]byte(formatted(t)))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"r.example/a:v1": true, "r.example/a:v2": false, "r.example/c:v1": false, "r.example/a": false,
		"r.example/a:v1@" + someDigest.String(): true, "r.example/a:v1@" + otherDigest.String(): false,
	} {
		ref, err := registry.ParseReference(text, registry.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		if g, ok := lock.Find(ref); ok != want || ok && g.Digest != someDigest {
			t.Errorf("%s: %v, %v", text, ok, g)
		}
	}
	if !lock.Has(otherDigest) || lock.Has(digest.FromString("c")) {
		t.Error("Has is wrong about digests")
	}
}

// TestWrongLocks edits a lock file; what the checksum alone would find is found by
// a sentence of its own.
func TestWrongLocks(t *testing.T) {
	text := formatted(t)
	for name, tt := range map[string]struct{ old, new, want string }{
		"another version":  {"version: 1", "version: 2", "version is 2, only version 1 is known"},
		"no version":       {"version: 1\n", "", "it has no version"},
		"an unknown field": {"size: 7", "size: 7\n    mode: 1", "field mode not found"},
		"a field twice":    {"size: 7", "size: 7\n    size: 7", "already"},
		"another document": {"checksum:", "---\nchecksum:", "more than one document"},
		"a size":           {"size: 7", "size: 8", "its checksum does not match, so it was edited"},
		"a negative size":  {"size: 7", "size: -7", "size is -7"},
		"a short name":     {"r.example/b:v1", "zb", "its whole name is"},
		"a wrong name":     {"r.example/b:v1", "r.example/B:v1", "upper case letters"},
		"an order":         {"r.example/b:v1", "r.example/0:v1", "it must come after"},
		"a digest":         {"digest: " + someDigest.String(), "digest: sha256:12", "digest"},
		"a type": {
			"mediaType: application/vnd.oci.image.index.v1+json", "mediaType: text/plain", "is not that of an OCI manifest",
		},
		"a pinned name": {"r.example/b:v1", "r.example/b@" + someDigest.String(), "another digest"},
		"another's tag": {"tag: sha256-ca97", "tag: sha256-ca98", "is not one for what belongs to"},
		"a platform": {
			"digest: " + otherDigest.String() + "\n    signers", "digest: x\n    signers", `platform "linux/amd64"`,
		},
		"no checksum":       {"checksum: ", "# ", "its checksum does not match"},
		"something unknown": {text, "- a", "cannot unmarshal"},
		"nothing":           {text, "", "it has no version"},
		"no YAML":           {text, "\t\x00", "yaml"},
		"a size over limit": {text, "#" + strings.Repeat("x", 5<<20), "more than 2097152 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			edited := strings.Replace(text, tt.old, tt.new, 1)
			if edited == text {
				t.Fatalf("%q is not in the file", tt.old)
			}
			if l, err := lockfile.Parse([]byte(edited)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v; want %q", l, err, tt.want)
			}
		})
	}
}

func TestParseList(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", "/dev/null")
	l, err := lockfile.ParseList([]byte("version: 1\nplatforms: [linux/amd64, arm64]\ngadgets:\n  - r.example/b:v1\n  - " +
		"r.example/a\n"))
	if err != nil || len(l.Archs) != 2 || len(l.Gadgets) != 2 || l.Gadgets[1].String() != "r.example/a:latest" {
		t.Errorf("%v, %v", l, err)
	}
	for text, want := range map[string]string{
		"version: 1":                 "lists no gadget",
		"gadgets: [a]":               "it has no version",
		"version: 3\ngadgets: [a]":   "version is 3",
		"version: 1\ngadget: [a]":    "field gadget not found",
		"version: 1\ngadgets: [./a]": "is a path",
		"version: 1\ngadgets: [r.example/a, 'r.example/a:latest']":  "lists r.example/a:latest twice",
		"version: 1\nplatforms: [windows/amd64]\ngadgets: [a]":      "linux only",
		"version: 1\ngadgets: [" + strings.Repeat("a,", 1001) + "]": "at most 1000",
	} {
		if l, err := lockfile.ParseList([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, %v; want %q", text, l, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(formatted(f)))
	f.Add([]byte("version: 1\ngadgets: []\nchecksum: sha256:00\n"))
	f.Add([]byte("version: 1\ngadgets: [&a {name: x}, *a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lockfile.Parse(data)
		if err != nil {
			return
		}
		again, err := l.Format()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lockfile.Parse(again); err != nil {
			t.Fatalf("what was read cannot be written: %v\n%s", err, again)
		}
	})
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("version: 1\nplatforms: [linux/amd64]\ngadgets: [r.example/a:v1]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lockfile.ParseList(data)
		if err == nil && len(l.Gadgets) == 0 {
			t.Fatal("a list without gadgets")
		}
	})
}
