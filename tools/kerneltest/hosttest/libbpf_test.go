package hosttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// loadWithLibbpf has bpftool, and in it libbpf, load the object with the
// kernel's BTF hidden. libbpf then looks for it in /boot/vmlinux-<release>,
// which holds btf, or nothing where btf is empty.
func loadWithLibbpf(t *testing.T, id kernel.Identity, object string, btf []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	custom := filepath.Join(dir, "btf")
	if err := os.WriteFile(custom, btf, 0o600); err != nil {
		t.Fatal(err)
	}
	// All mounts are in the namespace of hide-btf and end with it, and so do the pinned programs.
	const script = `set -e
mkdir -p /boot "$1/bpf"
mount -t tmpfs tmpfs /boot
[ ! -s "$1/btf" ] || cp "$1/btf" "/boot/vmlinux-$2"
mount -t bpf bpf "$1/bpf"
"$3" --debug prog loadall "$4" "$1/bpf/gadget"
ls "$1/bpf/gadget"`
	cmd := exec.CommandContext(t.Context(), file(t, "GUEST"), "hide-btf",
		"/bin/sh", "-c", script, "sh", dir, id.Release, file(t, "BPFTOOL"), object)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestLibbpfLoadsWithMinimalBTF proves that the minimal BTF serves another
// loader than ours, too.
func TestLibbpfLoadsWithMinimalBTF(t *testing.T) {
	id := host(t)
	made := filepath.Dir(artifact(t, id, true))
	object := filepath.Join(made, "program."+id.Arch.String()+".bpf.o")
	gz, err := os.ReadFile(filepath.Join(made, "btf.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	layer, err := btfhub.OpenLayer(gz)
	if err != nil {
		t.Fatal(err)
	}
	_, minimal, err := layer.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	out, err := loadWithLibbpf(t, id, object, minimal)
	if err != nil || !strings.Contains(out, "enter_openat") {
		t.Errorf("libbpf does not load the gadget with %d bytes of minimal BTF: %v\n%s", len(minimal), err, tail(out))
	}
	// Without it the same must fail: else it was not used.
	if out, err := loadWithLibbpf(t, id, object, nil); err == nil {
		t.Errorf("libbpf loads the gadget without any BTF:\n%s", tail(out))
	}
}

// tail returns the last lines of a log.
func tail(log string) string {
	lines := strings.Split(log, "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
