package runcmd

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/rights"
)

// confinedVariable makes the runs of tests drop privileges, which affects the whole
// process.
const confinedVariable = "RUNCMD_TEST_CONFINED"

// TestConfinedInContainers enters containers that start after most rights were given
// up.
func TestConfinedInContainers(t *testing.T) {
	gadgettest.NeedsKernel(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestPacketsOfContainers$", "-test.v")
	cmd.Env = append(os.Environ(), confinedVariable+"=1", "TMPDIR="+t.TempDir())
	// It can no longer remove its files, so that it fails in the end.
	if out, err := cmd.CombinedOutput(); !strings.Contains(string(out), sawPackets) {
		t.Fatalf("%v:\n%s", err, out)
	}
}

// sawPackets is what TestPacketsOfContainers logs when it found everything.
const sawPackets = "every packet was seen"

// TestRights looks at what is kept for what a gadget does.
func TestRights(t *testing.T) {
	plan := func(object string) *gadgetapi.Spec {
		p, err := gadgetapi.Read(gadgettest.File(t, object), gadgetapi.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	set := func(attaching bool, capabilities ...uint) rights.Set {
		var s rights.Set
		s.Keep(append(capabilities, unix.CAP_BPF)...)
		if attaching {
			s.KeepAttaching()
		}
		return s
	}
	watching := []uint{unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE}
	for name, tc := range map[string]struct {
		s    *session
		want rights.Set
	}{
		"events": {&session{plan: plan("open.bpf.o")}, set(false)},
		"containers": {
			&session{plan: plan("open.bpf.o"), containers: containers{followed: true}}, set(false, watching...),
		},
		"packets": {&session{plan: plan("packets.bpf.o")}, set(false)},
		"packets of theirs": {
			&session{plan: plan("packets.bpf.o"), containers: containers{followed: true}},
			set(true, append(watching, unix.CAP_SYS_ADMIN, unix.CAP_PERFMON, unix.CAP_NET_RAW)...),
		},
		"tc": {&session{plan: plan("capture.bpf.o")}, set(false, unix.CAP_NET_ADMIN)},
		"statistics": {
			&session{plan: gadgetapi.Empty(), feeds: []engine.Feed{{Name: "bpfstats"}}},
			set(true, unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH),
		},
	} {
		tc.s.cmd = &Cmd{}
		if got := fmt.Sprint(tc.s.rights(false)); got != fmt.Sprint(tc.want) {
			t.Errorf("%s: kept %s, want %s", name, got, fmt.Sprint(tc.want))
		}
	}
}
