package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/tools/txtar"

	"github.com/rules-gadget/rules_gadget/img/imgtest"
)

// update prints what comes out as the want and buildah of each case.
var update = flag.Bool("update", false, "print what comes out")

// conformance is one Dockerfile and what must come out. The files of a case:
// Dockerfile and those of the context below ctx/; args; want, which is "error:
// TEXT" for a build that must fail; and buildah, which lists the lines that img
// (-) and buildah (+) have alone, for the reason in the case's comment.
type conformance struct {
	name, dir string
	args      []string
	want      string
	buildah   string
}

// TestConformance checks img against what is written down, and where IMG_NIGHTLY
// is set buildah against img.
func TestConformance(t *testing.T) {
	imgtest.Program(t, "runc", "runc")
	registry := imgtest.Registry(t)
	// Not a TempDir: what belongs to other ids is removed with the user's home.
	home, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	paths, err := filepath.Glob("testdata/conformance/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 60 {
		t.Errorf("%d cases, want at least 60", len(paths))
	}
	base, err := describe(registry + "/base")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		c := readCase(t, path)
		t.Run(c.name, func(t *testing.T) {
			got := c.outcome(registry, "img", base)
			if *update {
				t.Logf("WANT %s\n%s", path, got)
				if os.Getenv("IMG_NIGHTLY") != "" {
					t.Logf("BUILDAH %s\n%s", path, lineDiff(got, c.outcome(registry, "buildah", base)))
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("img (-want +got):\n%s", diff)
			}
			if os.Getenv("IMG_NIGHTLY") != "" {
				imgtest.Program(t, "buildah", "buildah")
				other := c.outcome(registry, "buildah", base)
				if diff := cmp.Diff(c.buildah, lineDiff(got, other)); diff != "" {
					t.Errorf("differences of buildah (-listed +found):\n%s", diff)
				}
			}
		})
	}
}

func readCase(t *testing.T, path string) conformance {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := conformance{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(c.dir, "ctx"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		switch f.Name {
		case "args":
			c.args = strings.Fields(string(f.Data))
		case "want":
			c.want = string(f.Data)
		case "buildah":
			c.buildah = string(f.Data)
		default:
			target := filepath.Join(c.dir, f.Name)
			if link, ok := strings.CutSuffix(target, "@link"); ok {
				err = errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(strings.TrimSpace(string(f.Data)), link))
			} else {
				err = errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, f.Data, 0o644))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// outcome builds with a tool and says what came out.
func (c conformance) outcome(registry, tool string, base map[string]string) string {
	ref := registry + "/" + tool + "/" + c.name
	args := append([]string{
		"--build-arg", "BASE=" + registry + "/base", "-f", filepath.Join(c.dir, "Dockerfile"), "-t", ref,
	}, c.args...)
	steps := [][]string{
		append(append([]string{"img", "build", "--progress=plain"}, args...), filepath.Join(c.dir, "ctx")),
		{"img", "push", ref},
	}
	if tool == "buildah" {
		steps = [][]string{
			append(append([]string{
				"buildah", "bud", "--format=docker", "--isolation=chroot", "--tls-verify=false", "--layers=false",
			}, args...), filepath.Join(c.dir, "ctx")),
			{"buildah", "push", "--tls-verify=false", ref, "docker://" + ref},
		}
	}
	for _, step := range steps {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			if tool == "buildah" {
				return "error\n"
			}
			return c.failure(string(out))
		}
	}
	entries, err := describe(ref)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var lines []string
	for key, value := range entries {
		if base[key] != value {
			lines = append(lines, key+" "+value)
		}
	}
	_, based := entries["/bin/busybox"]
	for key := range base {
		if _, kept := entries[key]; !kept && (based || strings.HasPrefix(key, "config ")) {
			lines = append(lines, key+" removed")
		}
	}
	if len(lines) == 0 {
		return "as the base\n"
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n") + "\n"
}

// failure is the one sentence of img.
func (c conformance) failure(out string) string {
	for line := range strings.SplitSeq(out, "\n") {
		if text, ok := strings.CutPrefix(line, "img: "); ok {
			return "error: " + text + "\n"
		}
	}
	return "error: " + out
}

// describe returns what an image in a registry has, one entry a file and a member
// of its configuration.
func describe(image string) (map[string]string, error) {
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		return nil, err
	}
	img, err := remote.Image(ref)
	if err != nil {
		return nil, err
	}
	entries, err := files(img)
	if err != nil {
		return nil, err
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(cfg.Config)
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(cfg.Config.Labels, "io.buildah.version")
	if labels, err := json.Marshal(cfg.Config.Labels); err == nil && len(cfg.Config.Labels) > 0 {
		members["Labels"] = labels
	} else {
		delete(members, "Labels")
	}
	for key, value := range members {
		if s := string(value); s != "null" && s != "{}" && s != "[]" && s != `""` && key != "Image" && key != "Hostname" &&
			key != "ArgsEscaped" {
			entries["config "+key] = s
		}
	}
	return entries, nil
}

// runtimeFiles are what each runtime leaves.
var runtimeFiles = []string{
	"dev", "etc/hosts", "etc/hostname", "etc/resolv.conf", "proc", "sys", "run", "run/.containerenv",
}

func files(img v1.Image) (map[string]string, error) {
	entries := map[string]string{}
	r := mutate.Extract(img)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		path := strings.Trim(filepath.Clean("/"+h.Name), "/")
		if path == "" || path == "." || slices.Contains(runtimeFiles, path) {
			continue
		}
		var data bytes.Buffer
		if _, err := io.Copy(&data, tr); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("%q", data.String())
		if data.Len() > 200 {
			text = fmt.Sprintf("%d bytes", data.Len())
		}
		switch h.Typeflag {
		case tar.TypeDir:
			text = "directory"
		case tar.TypeSymlink:
			text = "-> " + h.Linkname
		case tar.TypeLink:
			text = "= " + strings.Trim(filepath.Clean("/"+h.Linkname), "/")
		}
		entries["/"+path] = fmt.Sprintf("%04o %d:%d %s", h.Mode&0o7777, h.Uid, h.Gid, text)
	}
}

// lineDiff lists the lines that only one side has: "-" is img's.
func lineDiff(img, other string) string {
	if strings.HasPrefix(img, "error") && strings.HasPrefix(other, "error") {
		return ""
	}
	var out []string
	a, b := strings.Split(strings.TrimSpace(img), "\n"), strings.Split(strings.TrimSpace(other), "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "+ "+line)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "\n") + "\n"
}
