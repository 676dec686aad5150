package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

const openatFormat = `name: sys_enter_openat
ID: 690
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:int __syscall_nr;	offset:8;	size:4;	signed:1;
	field:int dfd;	offset:16;	size:8;	signed:0;
	field:const char * filename;	offset:24;	size:8;	signed:0;
	field:int flags;	offset:32;	size:8;	signed:0;
	field:umode_t mode;	offset:40;	size:8;	signed:0;
	field:__data_loc char[] __filename_val;	offset:48;	size:4;	signed:0;

print fmt: "dfd: 0x%08lx, filename: 0x%08lx", ((unsigned long)(REC->dfd))
`

func TestReadingDeclarations(t *testing.T) {
	dir := t.TempDir()
	for name, format := range map[string]string{
		"sys_enter_openat": openatFormat, "sys_exit_openat": openatFormat,
		"sys_enter_newfstat": "\tfield:int __syscall_nr;\tx\n\tfield:unsigned int fd;\tx\n\tfield:struct stat *statbuf;\tx\n",
		"sys_enter_getpid":   "\tfield:int __syscall_nr;\tx\n\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "format"), []byte(format), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string][]SyscallParam{}
	if err := readSyscalls(dir, got); err != nil {
		t.Fatal(err)
	}
	want := map[string][]SyscallParam{
		"openat": {{Name: "dfd"}, {Name: "filename", Pointer: true}, {Name: "flags"}, {Name: "mode"}},
		"fstat":  {{Name: "fd"}, {Name: "statbuf", Pointer: true}},
		"getpid": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("declarations (-want +got):\n%s", diff)
	}
}

func TestDeclarationsOfThisKernel(t *testing.T) {
	gadgettest.NeedsKernel(t)
	all, err := SyscallParams()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]SyscallParam{
		"write": {{Name: "fd"}, {Name: "buf", Pointer: true}, {Name: "count"}},
		"kill":  {{Name: "pid"}, {Name: "sig"}},
	} {
		if diff := cmp.Diff(want, all[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(all["fstat"]) != 2 || len(all) < 200 {
		t.Errorf("%d system calls, fstat has parameters %v", len(all), all["fstat"])
	}
}
