package runner_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// confinedRun is a gadget and an output, and the capabilities that the run keeps.
type confinedRun struct {
	gadget string
	args   []string
	keeps  []uint
	do     func(t *testing.T) // makes events
	want   string             // in the output
}

// openFiles opens a file, and one of the name that the gadget of stacks waits for.
func openFiles(*testing.T) {
	_, _ = os.ReadFile(os.DevNull)
	_, _ = os.ReadFile("stacks-test")
}

func confinedRuns() map[string]confinedRun {
	stacks := []uint{unix.CAP_BPF, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SYSLOG}
	bpf := []uint{unix.CAP_BPF}
	packets := []uint{unix.CAP_BPF, unix.CAP_NET_ADMIN}
	traffic := func(t *testing.T) { gadgettest.SendTraffic(t, uint32(os.Getpid())) }
	runs := map[string]confinedRun{
		"custom columns": {"open", []string{"-o", "custom-columns=comm"}, bpf, openFiles, ""},
		"metrics": {"open", []string{
			"-o", "json", "--otel-metrics-listen", "127.0.0.1:0", "--annotate",
			"open:metrics.collect=true,open:metrics.implicit-counter.name=opens",
		}, bpf, openFiles, ""},
		"arrays": {"counts", []string{"-o", "json", "--sort", "counts:-opens"}, bpf, openFiles, ""},
		"top":    {"counts", []string{"-o", "counts:top,tasks:none"}, bpf, openFiles, ""},
		"pcap-ng": {
			"capture", []string{"-o", "pcap-ng", "--iface", "lo", "--pf", "udp port 9"}, packets, traffic, "hello",
		},
		"two gadgets": {"open", []string{"LAYOUT:counts", "-o", "json"}, bpf, openFiles, ""},
	}
	for _, mode := range []string{"json", "jsonpretty", "yaml", "columns", "raw", "none"} {
		runs[mode] = confinedRun{"open", []string{"-o", mode}, bpf, openFiles, ""}
	}
	for _, mode := range []string{"folded", "flamegraph", "pprof", "json", "columns"} {
		runs["stacks as "+mode] = confinedRun{"stacks", []string{"-o", mode}, stacks, openFiles, ""}
	}
	// Names of functions are read after the start.
	for _, mode := range []string{"folded", "flamegraph", "json"} {
		r := runs["stacks as "+mode]
		r.want = "openFiles"
		runs["stacks as "+mode] = r
	}
	return runs
}

// TestConfinedRuns runs gadgets in every mode of output until the end, and looks
// at what the process may do once it is ready.
func TestConfinedRuns(t *testing.T) {
	gadgettest.NeedsKernel(t)
	layouts := makeLayouts(t)
	for name, files := range map[string][2]string{
		"stacks":  {"stacks.bpf.o", ""},
		"capture": {"capture.bpf.o", "capture.yaml"},
	} {
		var metadata []byte
		if files[1] != "" {
			metadata = gadgettest.File(t, files[1])
		}
		if err := gadgettest.WriteLayout(filepath.Join(layouts, name), gadgettest.File(t, files[0]), metadata,
			arch.Host()); err != nil {
			t.Fatal(err)
		}
	}
	for name, run := range confinedRuns() {
		t.Run(name, func(t *testing.T) { runConfined(t, layouts, run) })
	}
}

func runConfined(t *testing.T, layouts string, run confinedRun) {
	args := []string{"-v", "run", filepath.Join(layouts, run.gadget)}
	for _, a := range run.args {
		args = append(args, strings.ReplaceAll(a, "LAYOUT:", layouts+"/"))
	}
	cmd := exec.Command("gadget-run", args...)
	cmd.Env = append(os.Environ(), "GADGET_RUN_STATE="+t.TempDir(), "HOST_ROOT="+t.TempDir())
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gadgets := 1 + strings.Count(strings.Join(run.args, " "), "LAYOUT:")
	log, ready := &bytes.Buffer{}, 0
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(log, lines.Text())
		if ready += strings.Count(lines.Text(), "ready, "); ready == gadgets && strings.Contains(lines.Text(), "ready, ") {
			time.Sleep(50 * time.Millisecond) // the last of several reports before it drops privileges
			examine(t, cmd.Process.Pid, run.keeps,
				strings.Contains(log.String(), "giving up capabilities: operation not supported"))
			for range 5 {
				run.do(t)
				time.Sleep(30 * time.Millisecond)
			}
			time.Sleep(time.Second)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || ready != gadgets {
		t.Fatalf("%d gadgets are ready, %v:\n%s", ready, err, log)
	}
	if strings.Contains(log.String(), "not permitted") || strings.Contains(log.String(), "denied") {
		t.Errorf("it missed a right:\n%s", log)
	}
	if !strings.Contains(stdout.String(), run.want) {
		t.Errorf("no %q in the output:\n%s", run.want, stdout.String())
	}
	if wantsOutput := !strings.Contains(strings.Join(run.args, " "), "-o none"); wantsOutput != (stdout.Len() > 0) {
		t.Errorf("%d bytes of output:\n%s", stdout.Len(), log)
	}
}

// examine looks at every thread of a process.
func examine(t *testing.T, pid int, keeps []uint, unsupported bool) {
	t.Helper()
	mask := uint64(0)
	for _, c := range keeps {
		mask |= 1 << c
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	want := []string{"NoNewPrivs:\t1", "Seccomp:\t2"}
	if !unsupported {
		want = append(want, fmt.Sprintf("CapEff:\t%016x", mask), fmt.Sprintf("CapPrm:\t%016x", mask))
	}
	for _, file := range threads {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		for _, line := range want {
			if !strings.Contains(string(data), line+"\n") {
				t.Errorf("%s has no %q:\n%s", file, line, data)
				return
			}
		}
	}
}
