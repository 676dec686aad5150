// Package runtimes_test hands archives of gadgets to real container runtimes,
// and takes back what these save.
package runtimes_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

// TestDockerFormat has each runtime load the format docker, show the images and
// save them again, and load the format oci.
func TestDockerFormat(t *testing.T) {
	for _, tc := range []struct {
		name   string
		start  func(testing.TB) containertest.Runtime
		save   []string // several images
		refuse string   // words about the format oci, where it is not taken
	}{
		{"docker", containertest.Docker, []string{"save"}, "no such file or directory"},
		{"docker snapshotter", containertest.DockerSnapshotter, []string{"save"}, ""},
		{
			"podman", containertest.Podman,
			[]string{"save", "--multi-image-archive"},
			"unsupported image-specific operation on artifact",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, r := newGadget(t), start(t, tc.start)
			archive := g.run(t, nil, "image", "save", "--format=docker", name)
			out := r.run(t, archive, "load")
			for _, a := range arch.All() {
				if want := "Loaded image: " + imageOf(a) + "\n"; !strings.Contains(out, want) {
					t.Errorf("load said %q, want %q", out, want)
				}
				t.Run(a.String(), func(t *testing.T) { testImage(t, g, r, a) })
			}
			t.Run("saved", func(t *testing.T) { testSaved(t, g, r, tc.save) })
			t.Run("oci", func(t *testing.T) { testOCI(t, g, r, tc.refuse) })
		})
	}
}

// testImage inspects an image and reads its files, which are those of image
// unpack.
func testImage(t *testing.T, g *stored, r client, a arch.Arch) {
	image := imageOf(a)
	got := r.run(t, nil, "image", "inspect", "--format={{.Os}}/{{.Architecture}} {{.RepoTags}}", image)
	if want := "linux/" + a.String() + " [" + image + "]\n"; got != want {
		t.Errorf("inspect said %q, want %q", got, want)
	}
	id := strings.TrimSpace(r.run(t, nil, "create", image, "/none"))
	defer r.run(t, nil, "rm", id)
	files := filesOf(t, strings.NewReader(r.run(t, nil, "cp", id+":/.", "-")))
	want := g.files(t, a)
	for name, data := range want {
		if files[name] != data {
			t.Errorf("%s has %d bytes, want the %d of image unpack", name, len(files[name]), len(data))
		}
	}
	for name := range files {
		if _, ok := want[name]; !ok && strings.HasPrefix(name, "artifact/") {
			t.Errorf("there is %s, which is none of %s", name, a)
		}
	}
}

// testSaved loads what a runtime saves: of all images the artifact comes back,
// of one the manifest of its architecture.
func testSaved(t *testing.T, g *stored, r client, save []string) {
	var images []string
	for _, a := range arch.All() {
		images = append(images, imageOf(a))
		one := imageOf(a) + "@" + digest.FromString(g.files(t, a)[recordOf(a)]).String()
		if got := load(t, r.run(t, nil, "save", imageOf(a))); got != one {
			t.Errorf("of one image %q is loaded, want %q", got, one)
		}
	}
	if got := load(t, r.run(t, nil, slices.Concat(save, images)...)); got != g.pinned {
		t.Errorf("of all images %q is loaded, want %q", got, g.pinned)
	}
}

// testOCI loads the format oci and saves it again, or has it refused.
func testOCI(t *testing.T, g *stored, r client, refuse string) {
	out, err := r.try(t, g.run(t, nil, "image", "save", name), "load")
	if refuse != "" {
		if err == nil || !strings.Contains(out, refuse) {
			t.Errorf("it said %q, %v, want %q", out, err, refuse)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "Loaded image: " + name + "\n"; !strings.Contains(out, want) {
		t.Errorf("load said %q, want %q", out, want)
	}
	if got := load(t, r.run(t, nil, "save", name)); got != g.pinned { // it lists images with a config alone
		t.Errorf("%q is loaded, want %q", got, g.pinned)
	}
}

// TestPodmanOCIArchive loads what podman saves of one image in the format of OCI:
// a container image, from which the manifest of its architecture comes back.
func TestPodmanOCIArchive(t *testing.T) {
	g, r := newGadget(t), start(t, containertest.Podman)
	r.run(t, g.run(t, nil, "image", "save", "--format=docker", name), "load")
	image := imageOf(arch.Host())
	want := image + "@" + digest.FromString(g.files(t, arch.Host())[recordOf(arch.Host())]).String()
	if got := load(t, r.run(t, nil, "save", "--format=oci-archive", image)); got != want {
		t.Errorf("%q is loaded, want %q", got, want)
	}
}

// TestContainerd has containerd import the format oci, with every blob and under
// the same digest, and export it again.
func TestContainerd(t *testing.T) {
	g, r := newGadget(t), start(t, containertest.Containerd)
	archive := g.run(t, nil, "image", "save", name)
	r.run(t, archive, "images", "import", "--all-platforms", "--no-unpack", "-")
	tag, root, _ := strings.Cut(g.pinned, "@")
	if list := r.run(t, nil, "images", "ls", "name=="+tag); !strings.Contains(list, root) ||
		!strings.Contains(list, "linux/amd64,linux/arm64") {
		t.Errorf("images ls said %q, want %s for amd64 and arm64", list, root)
	}
	content := strings.Fields(r.run(t, nil, "content", "ls", "--quiet"))
	for file, data := range filesOf(t, bytes.NewReader(archive)) {
		hex, ok := strings.CutPrefix(file, "blobs/sha256/")
		if !ok {
			continue
		}
		if d := "sha256:" + hex; !slices.Contains(content, d) || r.run(t, nil, "content", "get", d) != data {
			t.Errorf("%s is not in containerd as it was in the archive", d)
		}
	}
	if got := load(t, r.run(t, nil, "images", "export", "--all-platforms", "-", tag)); got != g.pinned {
		t.Errorf("%q is loaded, want %q", got, g.pinned)
	}
}
