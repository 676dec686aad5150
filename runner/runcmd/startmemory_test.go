package runcmd

import (
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// smaps has a mapping of each kind: code, constants, relocated constants, variables
// of the program, and what belongs to others.
const smaps = `00400000-01000000 r-xp 00001000 fe:00 12 /usr/bin/gadget-run
Rss:                1024 kB
Anonymous:             0 kB
01000000-01800000 r--p 00c01000 fe:00 12 /usr/bin/gadget-run
Anonymous:             0 kB
01800000-01900000 r--p 01401000 fe:00 12 /usr/bin/gadget-run
Anonymous:             4 kB
01900000-01a00000 rw-p 01501000 fe:00 12 /usr/bin/gadget-run
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 13 /opt/usr/bin/gadget-run
Anonymous:             0 kB
7f0000001000-7f0000002000 r--p 00000000 00:00 0
Anonymous:             0 kB
nonsense /usr/bin/gadget-run
Anonymous:             0 kB
Anonymous:             0 kB
`

func TestCleanMappings(t *testing.T) {
	got := cleanMappings(strings.NewReader(smaps), "/usr/bin/gadget-run")
	want := []mapping{{0x400000, 0x1000000}, {0x1000000, 0x1800000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
}

// withoutFiles calls do while no file can be opened.
func withoutFiles(t *testing.T, do func()) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	do()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// residentFile returns how many kB of files this process has mapped and read.
func residentFile(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Skip("needs a kernel that reports the memory of a process by its kind")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStartMemory frees pages of code, and continues to run. No file can be opened then.
func TestStartMemory(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	before := residentFile(t)
	free := startMemory()
	withoutFiles(t, free)
	if after := residentFile(t); after > before*3/4 {
		t.Errorf("%d kB of files are mapped, %d before", after, before)
	}
}
