package runcmd

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestOwnerOfSocket has a gadget report the owner of a socket that was there before it, and
// one that was made later.
func TestOwnerOfSocket(t *testing.T) {
	gadgettest.NeedsKernel(t)
	before := listen(t)
	stdout, stop := startOwner(t, before)
	checkOwner(t, stdout, stop)

	// The port of the later one must be known before, so it is given free and taken again.
	later := listen(t)
	address := later.Addr().String()
	later.Close()
	stdout, stop = startOwner(t, later)
	again, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	checkOwner(t, stdout, stop)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// startOwner starts the gadget that looks for the socket of l, and waits until it
// is ready.
func startOwner(t *testing.T, l net.Listener) (*clitest.Buffer, func() error) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	params := []string{fmt.Sprintf("--netns=%d", st.Ino), fmt.Sprintf("--port=%d", l.Addr().(*net.TCPAddr).Port)}
	stdout, stderr, stop := startWith(t, newNode(), "owner.bpf.o", Cmd{Output: "json"}, params)
	waitFor(t, "the ready line", func() bool { return strings.Contains(stderr.String(), "ready") })
	if strings.Contains(stderr.String(), "who owns") {
		_ = stop()
		t.Skipf("needs a kernel that reports the owners of sockets: %s", stderr.String())
	}
	return stdout, stop
}

func checkOwner(t *testing.T, stdout *clitest.Buffer, stop func() error) {
	t.Helper()
	waitFor(t, "an event", func() bool {
		_, _ = os.Open("owner-test")
		return strings.Contains(stdout.String(), "\n")
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(stdout.String(), "\n")
	var ev struct {
		Comm      string
		PID, PPID int
		HasCwd    bool `json:"has_cwd"`
	}
	if err := json.Unmarshal([]byte(line), &ev); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if ev.PID != os.Getpid() || ev.PPID != os.Getppid() || ev.Comm == "" || ev.HasCwd {
		t.Errorf("the owner is %+v, want %d with parent %d and no directory", ev, os.Getpid(), os.Getppid())
	}
}
