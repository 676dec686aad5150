package live

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func pointer(p *byte) unsafe.Pointer { return unsafe.Pointer(p) }

// NeedsBTF skips the test where the kernel lacks its own BTF, with which
// programs are attached to functions, iterators and hooks of security modules.
func NeedsBTF(t *testing.T) {
	t.Helper()
	if !hasBTF() {
		t.Skip("needs BTF of the kernel's own (CONFIG_DEBUG_INFO_BTF)")
	}
}

// KnowsOwners reports whether gadget-run can determine which process owns a socket: it
// reads an iterator, which needs the kernel's own BTF.
func KnowsOwners() bool { return hasBTF() }

func hasBTF() bool {
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err == nil
}

// NeedsFunctions skips the test where programs cannot be attached to functions
// of the kernel.
func NeedsFunctions(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); err != nil {
		t.Skip("needs kprobes (CONFIG_KPROBES, CONFIG_KPROBE_EVENTS)")
	}
}

// NeedsTracepoint skips the test where the kernel lacks a tracepoint, GROUP/NAME.
func NeedsTracepoint(t *testing.T, name, option string) {
	t.Helper()
	tracefs := t.TempDir() // one of its own: the machine may have mounted none
	if err := unix.Mount("tracefs", tracefs, "tracefs", 0, ""); err != nil {
		t.Fatalf("mounting tracefs: %v", err)
	}
	_, err := os.Stat(filepath.Join(tracefs, "events", name))
	if err := unix.Unmount(tracefs, 0); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("needs the tracepoint %s (%s)", name, option)
	}
}

// NeedsLSM skips the test where BPF programs are not among the active security
// modules.
func NeedsLSM(t *testing.T) {
	t.Helper()
	NeedsBTF(t)
	active, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil || !strings.Contains(string(active), "bpf") {
		t.Skip(`needs the security module "bpf" (CONFIG_BPF_LSM, and bpf in the kernel parameter lsm=)`)
	}
}

// Before reports whether the kernel is older than a version.
func Before(major, minor int) bool {
	var name unix.Utsname
	var gotMajor, gotMinor int
	if unix.Uname(&name) != nil {
		return false
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &gotMajor, &gotMinor); err != nil {
		return false
	}
	return gotMajor < major || gotMajor == major && gotMinor < minor
}
