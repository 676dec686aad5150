package hosttest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/internal/vm"
)

// inNamespace calls do in a thread with a mount namespace of its own, which
// ends, with all that is mounted in it, when do returns.
func inNamespace(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			done <- err
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	return <-done
}

// loadWithLibbpf has bpftool, and in it libbpf, load the object with the
// kernel's BTF hidden, and returns the names of the programs that it pinned.
// libbpf then looks for BTF in /boot/vmlinux-<release>, which holds btf, or
// nothing where btf is empty.
func loadWithLibbpf(
	t *testing.T, id kernel.Identity, object string, btf []byte,
) (pinned []string, log string, err error) {
	t.Helper()
	bpftool := file(t, "BPFTOOL")
	bpffs := t.TempDir()
	if err := os.MkdirAll("/boot", 0o755); err != nil {
		t.Fatal(err)
	}
	err = inNamespace(func() error {
		if err := errors.Join(
			vm.HideBTF(),
			unix.Mount("tmpfs", "/boot", "tmpfs", 0, ""),
			unix.Mount("bpf", bpffs, "bpf", 0, ""),
		); err != nil {
			return err
		}
		if len(btf) > 0 {
			if err := os.WriteFile("/boot/vmlinux-"+id.Release, btf, 0o600); err != nil {
				return err
			}
		}
		cmd := exec.CommandContext(t.Context(), bpftool, "--debug", "prog", "loadall", object, bpffs+"/gadget")
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		out, err := cmd.CombinedOutput()
		log = string(out)
		entries, _ := os.ReadDir(bpffs + "/gadget")
		for _, e := range entries {
			pinned = append(pinned, e.Name())
		}
		return err
	})
	return pinned, log, err
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
	pinned, out, err := loadWithLibbpf(t, id, object, minimal)
	if err != nil || !slices.Contains(pinned, "exit_openat") {
		t.Errorf("libbpf does not load the gadget with %d bytes of minimal BTF: %v\n%s", len(minimal), err, tail(out))
	}
	// Without it the same must fail: else it was not used.
	if _, out, err := loadWithLibbpf(t, id, object, nil); err == nil || !strings.Contains(out, "BTF") {
		t.Errorf("without any BTF libbpf says %v, want that BTF is missing:\n%s", err, tail(out))
	}
}

// tail returns the last lines of a log.
func tail(log string) string {
	lines := strings.Split(log, "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
