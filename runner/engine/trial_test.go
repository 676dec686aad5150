package engine

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// trialOutput makes the test program print what came of trying every kind.
const trialOutput = "TRY_KINDS"

// TestTryKinds tries every kind of the table as root. What works needs no hint, and
// what does not work has one.
func TestTryKinds(t *testing.T) {
	if os.Getenv(trialOutput) != "" {
		for _, trial := range TryKinds() {
			t.Logf("%s: %v %s", trial.Kind.Name, trial.Err == nil, trial.Hint)
		}
		return
	}
	gadgettest.NeedsKernel(t)
	worked := map[string]bool{}
	for _, trial := range TryKinds() {
		worked[trial.Kind.Name] = trial.Err == nil
		if (trial.Err == nil) != (trial.Hint == "") {
			t.Errorf("%s: %v, hint %q", trial.Kind.Name, trial.Err, trial.Hint)
		}
		t.Logf("%s: %v %s", trial.Kind.Name, trial.Err, trial.Hint)
	}
	for _, k := range gadgetapi.Kinds() {
		_, tried := worked[k.Name]
		if tried != k.Attachable() {
			t.Errorf("%s: tried %t", k.Name, tried)
		}
	}
	for _, name := range []string{
		gadgetapi.KindTracepoint, gadgetapi.KindRawTracepoint, gadgetapi.KindPerfEvent,
		gadgetapi.KindSocket, gadgetapi.KindXDP,
	} {
		if !worked[name] {
			t.Errorf("%s does not work for root", name)
		}
	}
}

// TestTrialsOfOthers tries every kind in a user namespace, where none works, and as
// a plain user with some capabilities.
func TestTrialsOfOthers(t *testing.T) {
	gadgettest.NeedsKernel(t)
	const unprivileged = 65534
	perf := "perf_event: true"
	if perfParanoid() > paranoidForAll {
		perf = "perf_event: false run it as root, or with CAP_SYS_ADMIN"
	}
	mapping := []syscall.SysProcIDMap{{ContainerID: 0, HostID: unprivileged, Size: 1}}
	for name, tc := range map[string]struct {
		attr *syscall.SysProcAttr
		want []string
	}{
		"user namespace": {
			&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: mapping, GidMappings: mapping},
			[]string{"raw tracepoint: false the process is in a user namespace", "tc: false the process is in a user namespace"},
		},
		"CAP_BPF and CAP_PERFMON": {
			&syscall.SysProcAttr{
				Credential:  &syscall.Credential{Uid: unprivileged, Gid: unprivileged},
				AmbientCaps: []uintptr{uintptr(capabilityBits[gadgetapi.CapBPF]), uintptr(capabilityBits[gadgetapi.CapPerfmon])},
			},
			[]string{
				"raw tracepoint: true", perf, "tc: false run it as root, or with CAP_NET_ADMIN",
				"socket filter: false run it as root, or with CAP_NET_RAW",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			self, err := os.Open("/proc/self/exe") // the user may not pass every directory
			if err != nil {
				t.Fatal(err)
			}
			defer self.Close()
			cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestTryKinds$", "-test.v")
			cmd.ExtraFiles = []*os.File{self}
			cmd.Env, cmd.SysProcAttr, cmd.Dir = append(os.Environ(), trialOutput+"=1"), tc.attr, "/"
			out, err := cmd.CombinedOutput()
			if err != nil && strings.Contains(err.Error(), "operation not permitted") {
				t.Skipf("needs user namespaces: %v", err)
			}
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range tc.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
		})
	}
}
