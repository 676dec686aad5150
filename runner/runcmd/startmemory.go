package runcmd

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// startMemory returns the function that frees what starting needed, the kernel's
// types and the code that read them above all, unless the user decides about memory.
// That function opens no file: the gadget, which runs by then, may show who opens one.
func startMemory() (free func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	freeCode := programCode()
	return func() {
		debug.SetGCPercent(runningGCPercent)
		debug.FreeOSMemory()
		freeCode()
	}
}

// programCode returns the function that unmaps the pages of the program's file that
// were read so far; where it cannot, they stay. Those that are needed again come back
// from the page cache.
func programCode() (free func()) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return func() {}
	}
	smaps, err := action.Open("/proc/self/smaps")
	if err != nil {
		return func() {}
	}
	return func() {
		defer smaps.Close()
		for _, m := range cleanMappings(smaps, exe) {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
		}
	}
}

// mapping is a part of the address space.
type mapping struct{ from, to uintptr }

// cleanMappings returns the read-only mappings of a file that have no page of their
// own, as relocations and breakpoints leave them; from smaps, see proc_pid_smaps(5).
func cleanMappings(smaps io.Reader, file string) []mapping {
	var out []mapping
	var m mapping // of the file, until its line about such pages has been read
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		line := lines.Text()
		var access string
		if strings.HasSuffix(line, " "+file) {
			if n, _ := fmt.Sscanf(line, "%x-%x %s", &m.from, &m.to, &access); n < 3 || !strings.HasPrefix(access, "r-") {
				m = mapping{}
			}
		} else if own, ok := strings.CutPrefix(line, "Anonymous:"); ok {
			if m.to > m.from && strings.TrimSpace(own) == "0 kB" {
				out = append(out, m)
			}
			m = mapping{}
		}
	}
	return out
}
