package engine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// ErrPrivilege means that the process may not do what running a gadget needs.
var ErrPrivilege = errors.New("loading eBPF programs needs CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), run it as " +
	"root or with sudo")

// errUserNamespace means that capabilities do not count here.
var errUserNamespace = errors.New("the process is in a user namespace, where capabilities do not count for eBPF, run " +
	"it on the machine itself")

// initialUserNamespace is the inode number of the user namespace of the machine.
const initialUserNamespace = 0xeffffffd

// inUserNamespace reports whether the process is in another user namespace than
// the machine's.
func inUserNamespace() bool {
	var st unix.Stat_t
	return unix.Stat("/proc/thread-self/ns/user", &st) == nil && st.Ino != initialUserNamespace
}

// capabilityBits are the capabilities that attach kinds name.
var capabilityBits = map[string]uint{
	gadgetapi.CapBPF: unix.CAP_BPF, gadgetapi.CapPerfmon: unix.CAP_PERFMON,
	gadgetapi.CapNetAdmin: unix.CAP_NET_ADMIN, gadgetapi.CapNetRaw: unix.CAP_NET_RAW,
}

// checkPrivilege returns ErrPrivilege when the process lacks the capabilities
// that loading tracing programs needs on any kernel.
func checkPrivilege() error {
	if inUserNamespace() {
		return fmt.Errorf("%w: %w", ErrPrivilege, errUserNamespace)
	}
	if len(missingCapabilities([]string{gadgetapi.CapBPF, gadgetapi.CapPerfmon})) > 0 {
		return ErrPrivilege
	}
	return nil
}

// checkPlanPrivilege is checkPrivilege, also for what the kinds of the enabled
// programs need.
func checkPlanPrivilege(plan *gadgetapi.Spec) error {
	if err := checkPrivilege(); err != nil {
		return err
	}
	for _, pr := range plan.Programs {
		if pr.Disabled || pr.Kind == nil {
			continue
		}
		if missing := missingCapabilities(pr.Kind.Capabilities()); len(missing) > 0 {
			return fmt.Errorf("program %q, a %s program, also needs %s: %w", pr.Name, pr.Kind.Name, strings.Join(missing, ", "),
				ErrPrivilege)
		}
	}
	return nil
}

// missingCapabilities returns those of names that the process does not have.
// CAP_SYS_ADMIN includes all but those of packet sockets.
func missingCapabilities(names []string) []string {
	caps, err := effectiveCaps()
	if err != nil {
		return names
	}
	has := func(c uint) bool { return caps&(1<<c) != 0 }
	var missing []string
	for _, name := range names {
		if !has(capabilityBits[name]) && (!has(unix.CAP_SYS_ADMIN) || name == gadgetapi.CapNetRaw) {
			missing = append(missing, name)
		}
	}
	return missing
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
