package clients

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// eachSite runs a test in every registry.
func eachSite(t *testing.T, test func(t *testing.T, l *lab, s *site)) {
	t.Helper()
	l := newLab(t)
	for _, s := range l.sites(t) {
		t.Run(s.name, func(t *testing.T) { test(t, l, s) })
	}
}

// check compares a manifest that a client printed with the gadget's digest.
func (l *lab) check(t *testing.T, what, manifest string) {
	t.Helper()
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest))); got != l.digest {
		t.Errorf("%s reads %s, want %s", what, got, l.digest)
	}
}

func TestCrane(t *testing.T) {
	eachSite(t, func(t *testing.T, l *lab, s *site) {
		ref := l.push(t, s)
		t.Run("reads", func(t *testing.T) {
			l.check(t, "crane", l.run(t, crane, "manifest", ref))
			if got := strings.TrimSpace(l.run(t, crane, "digest", ref)); got != l.digest {
				t.Errorf("crane digest prints %s, want %s", got, l.digest)
			}
			l.run(t, crane, "validate", "--remote", ref)
		})
		t.Run("copies", func(t *testing.T) {
			copied := l.name(s, "crane") + ":v2"
			l.run(t, crane, "copy", ref, copied)
			l.readable(t, copied)
		})
		t.Run("pulls and pushes", func(t *testing.T) {
			dir, pushed := filepath.Join(t.TempDir(), "layout"), l.name(s, "crane")+":v3"
			l.run(t, crane, "pull", "--format=oci", ref, dir)
			loaded := l.ours(t, "image", "load", "--tag", "loaded.example/g:v1", dir)
			if !strings.Contains(loaded, l.digest) {
				t.Errorf("image load of crane's layout prints %q, want the digest %s", loaded, l.digest)
			}
			l.run(t, crane, "push", dir, pushed)
			l.readable(t, pushed)
		})
	})
}

func TestSkopeo(t *testing.T) {
	eachSite(t, func(t *testing.T, l *lab, s *site) {
		ref := l.push(t, s)
		from, to := s.onlyPlain("--src-tls-verify=false"), s.onlyPlain("--dest-tls-verify=false")
		whole := words("--insecure-policy", "copy", "--all", "--preserve-digests")
		t.Run("inspects", func(t *testing.T) {
			l.check(t, "skopeo", l.run(t, skopeo, words("inspect", "--raw", s.onlyPlain("--tls-verify=false"), "docker://"+
				ref)...))
		})
		t.Run("copies within", func(t *testing.T) {
			copied := l.name(s, "skopeo") + ":v2"
			l.run(t, skopeo, words(whole, from, to, "docker://"+ref, "docker://"+copied)...)
			l.readable(t, copied)
		})
		t.Run("copies to a layout and back", func(t *testing.T) {
			dir, pushed := filepath.Join(t.TempDir(), "layout"), l.name(s, "skopeo")+":v3"
			l.run(t, skopeo, words(whole, from, "docker://"+ref, "oci:"+dir+":v1")...)
			l.run(t, skopeo, words(whole, to, "oci:"+dir+":v1", "docker://"+pushed)...)
			l.readable(t, pushed)
		})
		t.Run("copies out of the store", func(t *testing.T) {
			pushed := l.name(s, "skopeo") + ":v4"
			l.run(t, skopeo, words(whole, to, "oci:"+l.file("state")+":"+ref, "docker://"+pushed)...)
			l.readable(t, pushed)
		})
	})
}

func TestRegctl(t *testing.T) {
	eachSite(t, func(t *testing.T, l *lab, s *site) {
		ref := l.push(t, s)
		t.Run("reads", func(t *testing.T) {
			l.check(t, "regctl", l.run(t, regctl, "manifest", "get", "--format", "raw-body", ref))
			if out := l.run(t, regctl, "artifact", "tree", ref); !strings.Contains(out, "[linux/arm64]") {
				t.Errorf("regctl artifact tree does not see the platforms:\n%s", out)
			}
			config := l.run(t, regctl, "artifact", "get", "--config", "--platform", "linux/amd64", ref)
			if config != string(gadgettest.File(t, "open.yaml")) {
				t.Errorf("regctl artifact get --config prints\n%s", config)
			}
		})
		t.Run("copies", func(t *testing.T) {
			copied := l.name(s, "regctl") + ":v2"
			l.run(t, regctl, "image", "copy", ref, copied)
			l.readable(t, copied)
		})
		t.Run("exports and imports", func(t *testing.T) {
			theirs, pushed := filepath.Join(t.TempDir(), "theirs.tar"), l.name(s, "regctl")+":v3"
			l.run(t, regctl, "image", "export", ref, theirs)
			if out := l.ours(t, "image", "load", "--tag", "loaded.example/g:v2", theirs); !strings.Contains(out, l.digest) {
				t.Errorf("image load of regctl's export prints %q, want the digest %s", out, l.digest)
			}
			our := filepath.Join(t.TempDir(), "ours.tar")
			l.ours(t, "image", "save", "-o", our, ref)
			l.run(t, regctl, "image", "import", pushed, our)
			l.readable(t, pushed)
		})
	})
}

func TestOras(t *testing.T) {
	eachSite(t, func(t *testing.T, l *lab, s *site) {
		ref := l.push(t, s)
		plain := s.onlyPlain("--plain-http")
		t.Run("pulls named files", func(t *testing.T) {
			dir := t.TempDir()
			l.run(t, oras, words("pull", plain, "--platform", "linux/amd64", "-o", dir, ref)...)
			for name, want := range map[string][]byte{
				gadget.ObjectFile: gadgettest.File(t, "open.bpf.o"), gadget.ConfigFile: gadgettest.File(t, "open.yaml"),
				gadget.WasmFile: nil,
			} {
				got, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || (want != nil && string(got) != string(want)) {
					t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(want))
				}
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 3 {
				t.Errorf("oras leaves %v, %v; want three files", files, err)
			}
		})
		t.Run("reads", func(t *testing.T) {
			l.check(t, "oras", l.run(t, oras, words("manifest", "fetch", plain, ref)...))
		})
		t.Run("copies", func(t *testing.T) {
			copied := l.name(s, "oras") + ":v2"
			l.run(t, oras, words("cp", "-r", s.onlyPlain("--from-plain-http", "--to-plain-http"), ref, copied)...)
			l.readable(t, copied)
		})
		t.Run("pushes", func(t *testing.T) { l.orasPushes(t, s) })
		t.Run("attaches", func(t *testing.T) { l.orasAttaches(t, s, ref) })
	})
}

// orasPushes has oras make a gadget of files: one manifest, without an index.
func (l *lab) orasPushes(t *testing.T, s *site) {
	dir, ref := t.TempDir(), l.name(s, "oras")+":v3"
	for name, data := range map[string][]byte{
		"program.bpf.o": gadgettest.File(t, "open.bpf.o"),
		"gadget.yaml":   gadgettest.File(t, "open.yaml"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.run(t, oras, words("push", s.onlyPlain("--plain-http"), "--disable-path-validation",
		"--config", filepath.Join(dir, "gadget.yaml")+":"+gadget.ConfigMediaType,
		ref, filepath.Join(dir, "program.bpf.o")+":"+gadget.EBPFMediaType)...)
	l.ours(t, "image", "pull", ref)
	if out := l.run(t, gadgetRun, "image", "inspect", ref); !strings.Contains(out, "sys_exit_openat") {
		t.Errorf("image inspect of what oras pushed:\n%s", out)
	}
}

// orasAttaches has oras attach a document, which gadget-run lists and copies.
func (l *lab) orasAttaches(t *testing.T, s *site, ref string) {
	file := l.write(t, "sbom.json", `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"attached"}`)
	plain := s.onlyPlain("--plain-http")
	l.run(t, oras, words("attach", plain, "--disable-path-validation", "--artifact-type", "application/spdx+json", ref,
		file+":application/spdx+json")...)
	if out := l.ours(t, "image", "inspect", "--remote", ref); !strings.Contains(out, "SBOM (SPDX-2.3)") {
		t.Errorf("image inspect --remote does not list what oras attached:\n%s", out)
	}
	copied := l.name(s, "copied") + ":v1"
	l.ours(t, "image", "copy", ref, copied)
	want, got := l.listed(t, s, ref), l.listed(t, s, copied)
	if !slices.Equal(want, got) || len(want) != 1 {
		t.Errorf("oras discovers %v of the copy, %v of the source, want the same one", got, want)
	}
}
