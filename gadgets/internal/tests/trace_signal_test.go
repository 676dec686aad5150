package tests

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// signalEvent is one event of data source signal.
type signalEvent struct {
	Proc  live.Process `json:"proc"`
	TPID  int          `json:"tpid"`
	Sig   string       `json:"sig"`
	Error string       `json:"error"`
}

// sent is what a test compares of each event.
type sent struct {
	TPID       int
	Sig, Error string
}

// noProcess is a process id that no kernel gives.
const noProcess = 1 << 22

// sentByTest returns the signals of this process, without those by which Go
// interrupts its own threads and the test ends the gadget.
func sentByTest(events []signalEvent) []sent {
	var out []sent
	for _, e := range events {
		if e.Proc.Own() && e.Sig != "SIGURG" && e.Sig != "SIGINT" {
			out = append(out, sent{e.TPID, e.Sig, e.Error})
		}
	}
	return out
}

func TestTraceSignal(t *testing.T) {
	child := live.Child("wait")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	do := func() {
		_ = unix.Kill(pid, unix.SIGWINCH)
		_ = unix.Kill(pid, 0) // sends nothing
		_ = unix.Kill(noProcess, unix.SIGHUP)
		_ = unix.Kill(-noProcess, unix.SIGHUP)
		_ = unix.Tgkill(pid, pid, unix.SIGWINCH)
		_ = unix.Tgkill(pid, noProcess, unix.SIGHUP)
		_, _, _ = unix.RawSyscall(unix.SYS_TKILL, noProcess, uintptr(unix.SIGHUP), 0)
	}
	all := []sent{
		{pid, "SIGWINCH", ""},
		{noProcess, "SIGHUP", "ESRCH"},
		{-noProcess, "SIGHUP", "ESRCH"},
		{pid, "SIGWINCH", ""},
		{noProcess, "SIGHUP", "ESRCH"},
		{noProcess, "SIGHUP", "ESRCH"},
	}
	cases := []struct {
		name string
		args []string
		want []sent
	}{
		{"all", nil, all},
		{"failed", []string{"--failed"}, []sent{all[1], all[2], all[4], all[5]}},
		{"signal", []string{"--signal", strconv.Itoa(int(unix.SIGWINCH))}, []sent{all[0], all[3]}},
		{"kill only", []string{"--kill-only"}, all},
		{"comm", []string{"--comm", live.Comm(t)}, all},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := sentByTest(live.Observe[signalEvent](t, "trace_signal", c.args, do))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("signals (-want +got):\n%s", diff)
			}
		})
	}

	// What the kernel sends on behalf of a process that ends.
	for _, c := range []struct {
		name string
		args []string
		want int
	}{{"kernel", nil, 1}, {"without the kernel", []string{"--kill-only"}, 0}} {
		t.Run(c.name, func(t *testing.T) {
			var pid, got int
			for _, e := range live.Observe[signalEvent](t, "trace_signal", c.args, func() { pid = live.RunChild(t, "end") }) {
				if e.Proc.PID == pid && e.Sig == "SIGCHLD" {
					got++
				}
			}
			if got != c.want {
				t.Errorf("%d signals SIGCHLD, want %d", got, c.want)
			}
		})
	}
	_ = child.Process.Kill()
	_ = child.Wait()
}
