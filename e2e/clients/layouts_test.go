package clients

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layoutCase is a layout or an archive that a client makes of a reference.
type layoutCase struct {
	client string
	// args take REF and PATH.
	args []string
	// path is what gadget-run is given, with PATH, and name what it calls it then.
	path, name string
	// with means that the referrers of the artifact are included.
	with bool
}

// The gadget of these tests is called "trace open".
var layoutCases = map[string]layoutCase{
	"crane pull": {
		crane, words("pull", "--format=oci", "REF", "PATH"), "PATH", "docker.io/library/trace_open:latest", false,
	},
	"skopeo copy, a layout": {
		skopeo, skopeoCopy("oci:PATH:v1"), "oci:PATH", "docker.io/library/trace_open:v1", false,
	},
	"skopeo copy, a layout by its name": {
		skopeo, skopeoCopy("oci:PATH:v1"), "oci:PATH:v1", "docker.io/library/trace_open:v1", false,
	},
	"skopeo copy, no name": {
		skopeo, skopeoCopy("oci:PATH"), "PATH", "docker.io/library/trace_open:latest", false,
	},
	"skopeo copy, an archive": {
		skopeo, skopeoCopy("oci-archive:PATH:example.com/g:v2"), "oci-archive:PATH", "example.com/g:v2", false,
	},
	"regctl image export": {
		regctl, words("image", "export", "REF", "PATH"), "oci-archive:PATH", "REF", false,
	},
	"regctl image copy": {
		regctl, words("image", "copy", "--referrers", "--digest-tags", "REF", "ocidir://PATH:v1"), "oci:PATH",
		"docker.io/library/trace_open:v1", true,
	},
	"oras cp": {
		oras, words("cp", "--from-plain-http", "--to-oci-layout", "REF", "PATH:v1"), "PATH",
		"docker.io/library/trace_open:v1", false,
	},
	"oras cp -r": {
		oras, words("cp", "-r", "--from-plain-http", "--to-oci-layout", "REF", "PATH:v1"), "oci:PATH:v1",
		"docker.io/library/trace_open:v1", true,
	},
	"cosign save": {
		cosign2, words("save", "--allow-http-registry", "--dir", "PATH", "REF"), "PATH",
		"docker.io/library/trace_open:latest", false,
	},
}

func skopeoCopy(to string) []string {
	return words("--insecure-policy", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", "docker://REF", to)
}

// TestLayouts has each client write the published gadget as a layout or an archive,
// which is loaded, inspected, and lists its flags, without printing more than its
// path.
func TestLayouts(t *testing.T) {
	eachCosign(t, func(t *testing.T, b *cosign, _ []string) {
		b.site = b.sites(t)[0]
		ref := b.publish(t)
		for name, tc := range layoutCases {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				fill := strings.NewReplacer("REF", ref, "PATH", filepath.Join(dir, "out"))
				var args []string
				for _, a := range tc.args {
					args = append(args, fill.Replace(a))
				}
				b.run(t, tc.client, args...)
				b.loads(t, fill.Replace(tc.path), fill.Replace(tc.name), filepath.Join(dir, "state"), tc.with)
			})
		}
	})
}

// loads holds that the one artifact at path is the gadget.
func (b *cosign) loads(t *testing.T, path, name, state string, with bool) {
	t.Helper()
	if got := strings.TrimSpace(b.run(t, gadgetRun, "--state", state, "-q", "image", "load", path)); got != name+"@"+
		b.digest {
		t.Errorf("image load prints %q, want %s@%s", got, name, b.digest)
	}
	out := b.run(t, gadgetRun, "--state", state, "image", "inspect", path)
	if !strings.Contains(out, "sys_exit_openat") || strings.Contains(out, "SBOM") != with {
		t.Errorf("image inspect, want the program, and documents: %v\n%s", with, out)
	}
	if out := b.run(t, gadgetRun, "--state", state, "run", path, "--help"); !strings.Contains(out, "trace open files") {
		t.Errorf("run --help does not describe the gadget:\n%s", out)
	}
}

// TestStore pulls the published gadget from each registry and pushes it to the
// next. What is about the manifest of one platform arrives, too.
func TestStore(t *testing.T) {
	eachCosign(t, func(t *testing.T, b *cosign, _ []string) {
		all := b.sites(t)
		for i, from := range all {
			to := all[(i+1)%len(all)]
			b.site = from
			ref := b.publish(t)
			platform := strings.TrimSuffix(ref, ":v1") + "@" +
				strings.TrimSpace(b.run(t, crane, "digest", "--platform", "linux/arm64", ref))
			file := b.write(t, "platform.json", `{"spdxVersion":"SPDX-2.3","name":"of one platform"}`)
			b.run(t, oras, words("attach", from.onlyPlain("--plain-http"), "--disable-path-validation", "--artifact-type",
				sbomType, platform, file+":"+sbomType)...)
			b.ours(t, "image", "sign", "--key", b.file("p256.pem"), platform)
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				// A new store: a store keeps what it has recorded about a digest.
				target, state := b.name(to, "stored")+":v1", filepath.Join(t.TempDir(), "state")
				b.ours(t, "--state", state, "image", "pull", "--all-platforms", ref)
				b.run(t, gadgetRun, "--state", state, "image", "tag", ref, target)
				b.ours(t, "--state", state, "image", "push", target)
				b.arrived(t, from, to, ref, target)
				moved := strings.TrimSuffix(target, ":v1") + platform[strings.LastIndex(platform, "@"):]
				if want, got := b.listed(t, from, platform), b.listed(t, to, moved); !slices.Equal(want, got) || len(want) != 2 {
					t.Errorf("oras discovers %v of the platform, %v at the source, want the same two", got, want)
				}
				out, err := b.tryOurs("image", "verify", "--key", b.file("p256.pub"), moved)
				for _, form := range forms {
					if err != nil || !strings.Contains(out, "as a "+form) {
						t.Errorf("image verify of the platform misses the %s: %v: %s", form, err, out)
					}
				}
			})
		}
	})
}
