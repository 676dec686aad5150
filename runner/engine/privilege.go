package engine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrPrivilege says that the process may not do what running a gadget needs.
var ErrPrivilege = errors.New("loading eBPF programs needs CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), run it as root or with sudo")

// checkPrivilege returns ErrPrivilege when the process lacks the capabilities
// that loading tracing programs needs on any kernel.
func checkPrivilege() error {
	caps, err := effectiveCaps()
	if err != nil {
		return fmt.Errorf("reading the capabilities of the process: %w", err)
	}
	if !mayTrace(caps) {
		return ErrPrivilege
	}
	return nil
}

// mayTrace reports whether the capability set caps suffices to load tracing
// programs: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, which includes both.
func mayTrace(caps uint64) bool {
	has := func(c uint) bool { return caps&(1<<c) != 0 }
	return has(unix.CAP_SYS_ADMIN) || has(unix.CAP_BPF) && has(unix.CAP_PERFMON)
}

func effectiveCaps() (uint64, error) {
	f, err := os.Open("/proc/thread-self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, errors.New("/proc/thread-self/status has no CapEff line")
}
