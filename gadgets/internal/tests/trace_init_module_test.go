package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// moduleEvent is one event of data source init.
type moduleEvent struct {
	Proc live.Process `json:"proc"`
	module
}

// module is what a test compares of each event.
type module struct {
	Syscall  string `json:"syscall"`
	Error    string `json:"error"`
	Len      uint64 `json:"len"`
	FD       int    `json:"fd"`
	Flags    uint32 `json:"flags"`
	Params   string `json:"param_values"`
	Filepath string `json:"filepath"`
}

// initModule loads a module from memory, which may be shorter than declared.
func initModule(image []byte, length int, params string) {
	p, err := unix.BytePtrFromString(params)
	if err != nil {
		panic(err)
	}
	_, _, _ = unix.Syscall(unix.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&image[0])), uintptr(length),
		uintptr(unsafe.Pointer(p)))
}

func TestTraceInitModule(t *testing.T) {
	live.NeedsTracepoint(t, "syscalls/sys_enter_finit_module", "CONFIG_MODULES")
	path := filepath.Join(t.TempDir(), "no\x1b[31m.ko")
	image := []byte(strings.Repeat("no module ", 100))
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const (
		longest  = 255 // bytes of the parameters that are shown
		ignoreVM = 2   // MODULE_INIT_IGNORE_VERMAGIC
	)
	long := strings.Repeat("p=1 ", 100)
	fd := int(file.Fd())
	do := func() {
		initModule(image, len(image), "a=1 b=2")
		initModule(image, 1, "")
		_ = unix.FinitModule(fd, long, 0)
		_ = unix.FinitModule(fd, "x", ignoreVM)
		_ = unix.FinitModule(noDescriptor, "", 0)
	}
	all := []module{
		{"init_module", "ENOEXEC", uint64(len(image)), -1, 0, "a=1 b=2", ""},
		{"init_module", "ENOEXEC", 1, -1, 0, "", ""},
		{"finit_module", "ENOEXEC", 0, fd, 0, long[:longest], path},
		{"finit_module", "ENOEXEC", 0, fd, ignoreVM, "x", path},
		{"finit_module", "EBADF", 0, noDescriptor, 0, "", ""},
	}
	cases := []struct {
		name string
		args []string
		want []module
	}{
		{"all", nil, all},
		{"comm", []string{"--comm", live.Comm(t)}, all},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []module
			for _, e := range live.Observe[moduleEvent](t, "trace_init_module", c.args, do) {
				if e.Proc.Own() {
					got = append(got, e.module)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("modules (-want +got):\n%s", diff)
			}
		})
	}
}

// noDescriptor is a file descriptor that no process has.
const noDescriptor = 1 << 20
