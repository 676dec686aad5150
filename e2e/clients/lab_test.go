package clients

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// The environment variables that tools/dev/interop sets: programs by path.
const (
	gadgetRun    = "GADGET_RUN"
	pushTool     = "GADGET_PUSH"
	crane        = "CRANE"
	skopeo       = registrytest.SkopeoEnv
	oras         = "ORAS"
	regctl       = "REGCTL"
	cosign2      = "COSIGN2"
	cosign3      = "COSIGN3"
	distribution = "DISTRIBUTION"
)

// commandTimeout bounds every command that is run.
const commandTimeout = time.Minute

// lab is one machine of one user: a home with everything that the clients keep
// there, and one authority that all of them trust.
type lab struct {
	dir string
	ca  *registrytest.CA
	env []string

	layout, digest string // of the gadget that is pushed
	counter        int
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Getenv(gadgetRun) == "" {
		t.Skip("needs the clients of others, run it with tools/dev/interop")
	}
	for _, env := range []string{
		pushTool, registrytest.RegistryEnv, distribution, crane, skopeo, oras, regctl, cosign2,
		cosign3,
	} {
		if os.Getenv(env) == "" {
			t.Fatalf("%s is not set, tools/dev/clients could not build it", env)
		}
	}
	l := &lab{dir: t.TempDir(), ca: registrytest.NewCA(t)}
	for _, dir := range []string{"docker", "config", "run", "tmp"} {
		if err := os.Mkdir(l.file(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	l.write(t, "registries.conf", "")
	l.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + l.dir, "TMPDIR=" + l.file("tmp"),
		"XDG_CONFIG_HOME=" + l.file("config"), "XDG_RUNTIME_DIR=" + l.file("run"), "XDG_DATA_HOME=" + l.file("data"),
		"DOCKER_CONFIG=" + l.file("docker"), "REGISTRY_AUTH_FILE=" + l.authFile(), "SSL_CERT_FILE=" + l.ca.File,
		"GADGET_RUN_STATE=" + l.file("state"), "GADGET_RUN_REGISTRIES=" + l.file("registries.conf"),
		"COSIGN_PASSWORD=secret", "SIGSTORE_NO_CACHE=true", "REGCTL_CONFIG=" + l.file("regctl.json"),
	}
	l.makeGadget(t)
	return l
}

func (l *lab) file(name string) string { return filepath.Join(l.dir, name) }
func (l *lab) authFile() string        { return l.file("docker/config.json") }

func (l *lab) write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(l.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return l.file(name)
}

// makeGadget writes a layout of two platforms that have nothing in common but
// the metadata and the wasm module.
func (l *lab) makeGadget(t *testing.T) {
	t.Helper()
	var built []gadget.Built
	var blobs []oci.Blob
	for a, object := range map[arch.Arch]string{arch.AMD64: "open.bpf.o", arch.ARM64: "flood.bpf.o"} {
		b, err := gadget.BuildManifest(gadget.ManifestInput{
			Arch: a, Metadata: gadgettest.File(t, "open.yaml"), Object: gadgettest.File(t, object),
			Wasm: []byte("\x00asm\x01\x00\x00\x00"),
		})
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, b)
		blobs = append(append(blobs, b.Blobs...), oci.Blob{Descriptor: b.Descriptor, Data: b.Data})
	}
	index, err := gadget.BuildIndex(built)
	if err == nil {
		l.layout, l.digest = l.file("layout"), index.Descriptor.Digest.String()
		err = oci.WriteLayout(l.layout, index.Descriptor,
			append(blobs, oci.Blob{Descriptor: index.Descriptor, Data: index.Data}))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// try runs a program, which env names, and returns its stdout.
func (l *lab) try(env string, args ...string) (string, error) {
	stdout, _, err := l.exec(nil, env, args...)
	return stdout, err
}

// exec runs a program with more of an environment.
func (l *lab) exec(more []string, env string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv(env), args...)
	cmd.Env, cmd.Dir = append(append([]string{}, l.env...), more...), l.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), errs.String(), fmt.Errorf("%s %s: %w: %s%s", strings.ToLower(env), strings.Join(args, " "), err,
			&errs, &out)
	}
	return out.String(), errs.String(), nil
}

// run is try for what has to succeed.
func (l *lab) run(t *testing.T, env string, args ...string) string {
	t.Helper()
	out, err := l.try(env, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ours runs gadget-run, which trusts the authority by a flag.
func (l *lab) ours(t *testing.T, args ...string) string {
	t.Helper()
	return l.run(t, gadgetRun, l.flags(args)...)
}

// tryOurs returns all that gadget-run prints.
func (l *lab) tryOurs(args ...string) (string, error) {
	stdout, stderr, err := l.exec(nil, gadgetRun, l.flags(args)...)
	return stdout + stderr, err
}

// flags adds --ca-file to the commands that talk to registries.
func (l *lab) flags(args []string) []string {
	local := map[string]bool{"load": true, "save": true, "fsck": true, "list": true, "unpack": true}
	if len(args) > 1 && args[0] == "image" && local[args[1]] {
		return args
	}
	return append(args, "--ca-file", l.ca.File)
}

// name returns a repository for this test alone.
func (l *lab) name(s *site, what string) string {
	l.counter++
	return fmt.Sprintf("%s/%s/g%d", s.addr, what, l.counter)
}

// push loads the gadget and pushes it with gadget-run.
func (l *lab) push(t *testing.T, s *site) string {
	t.Helper()
	ref := l.name(s, "ours") + ":v1"
	l.ours(t, "image", "load", "--tag", ref, l.layout)
	if got := strings.TrimSpace(l.ours(t, "-q", "image", "push", ref)); got != ref+"@"+l.digest {
		t.Fatalf("image push prints %q, want the digest %s", got, l.digest)
	}
	return ref
}

// readable holds that gadget-run reads ref, which another client has made, as
// what was pushed: it resolves, pulls and understands it.
func (l *lab) readable(t *testing.T, ref string) {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	got := strings.TrimSpace(l.ours(t, "--state", state, "-q", "image", "pull", "--all-platforms", ref))
	if got != ref+"@"+l.digest {
		t.Fatalf("image pull prints %q, want the digest %s", got, l.digest)
	}
	l.run(t, gadgetRun, "--state", state, "image", "fsck")
	if out := l.run(t, gadgetRun, "--state", state, "image", "inspect", ref); !strings.Contains(out, "sys_exit_openat") {
		t.Errorf("image inspect does not list the program:\n%s", out)
	}
}

// pinned is the repository of ref with the gadget's digest.
func (l *lab) pinned(ref string) string {
	return strings.TrimSuffix(ref, ":"+ref[strings.LastIndex(ref, ":")+1:]) + "@" + l.digest
}
