package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SyscallParam is a parameter of a system call.
type SyscallParam struct {
	Name    string
	Pointer bool
}

// syscallEvents is where tracefs describes the tracepoints of system calls, and
// syscallEnter what comes before the name of the system call there.
const (
	syscallEvents = "events/syscalls"
	syscallEnter  = "sys_enter_"
)

// kernelSyscalls are the system calls that tracepoints name otherwise than user
// programs.
var kernelSyscalls = map[string]string{
	"newfstat": "fstat", "newlstat": "lstat", "newstat": "stat", "newuname": "uname",
	"sendfile64": "sendfile", "sysctl": "_sysctl", "umount": "umount2", "fadvise64_64": "fadvise64",
}

// SyscallParams returns the parameters of every system call that the kernel has a
// tracepoint for, by the name that user programs use.
func SyscallParams() (map[string][]SyscallParam, error) {
	out := map[string][]SyscallParam{}
	err := withTracefs(func() error {
		for _, p := range tracefsPaths {
			if err := readSyscalls(filepath.Join(p, syscallEvents), out); err != nil {
				return err
			}
			if len(out) > 0 {
				return nil
			}
		}
		return errors.New("this kernel has no tracepoints of system calls (CONFIG_FTRACE_SYSCALLS)")
	})
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w, run it as root or with CAP_DAC_READ_SEARCH: tracefs belongs to root alone", err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the declarations of system calls: %w", err)
	}
	return out, nil
}

// readSyscalls puts what the events below dir declare into out.
func readSyscalls(dir string, out map[string][]SyscallParam) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), syscallEnter)
		if !ok {
			continue
		}
		format, err := os.ReadFile(filepath.Join(dir, e.Name(), "format"))
		if err != nil {
			return err
		}
		if user := kernelSyscalls[name]; user != "" {
			name = user
		}
		out[name] = parseSyscall(string(format))
	}
	return nil
}

// parseSyscall returns the parameters in the description of a tracepoint: the fields
// after the number of the system call, "field:const char * filename;".
func parseSyscall(format string) []SyscallParam {
	_, args, _ := strings.Cut(format, " __syscall_nr;")
	var out []SyscallParam
	for line := range strings.Lines(args) {
		declaration, ok := strings.CutPrefix(strings.TrimSpace(line), "field:")
		declaration, _, end := strings.Cut(declaration, ";")
		at := strings.LastIndexAny(declaration, " *")
		if !ok || !end || at < 0 {
			continue
		}
		typ, name := declaration[:at+1], declaration[at+1:]
		if strings.HasPrefix(typ, "__data_loc") {
			continue // what a pointer points to, on kernels that read it
		}
		out = append(out, SyscallParam{Name: name, Pointer: strings.Contains(typ, "*")})
	}
	return out
}
