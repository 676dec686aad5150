package runcmd

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

const processesYAML = `name: top process
operator:
  process:
    emitstats: true
    interval: 1h
    first-interval: 50ms
    fields: [comm, memoryRSS, cpuUsage]
`

// runFeed runs a gadget without an eBPF program and returns its output.
func runFeed(t *testing.T, metadata string, flags map[string]string) string {
	t.Helper()
	gadgettest.NeedsKernel(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, stderr := &clitest.Buffer{}, &clitest.Buffer{}
	s := &session{
		cmd: &Cmd{Output: "json"}, kernel: btf.NewCache(), artifact: &gadget.Artifact{Metadata: []byte(metadata)},
		g: &cli.Globals{Ctx: ctx, Stdout: stdout, Stderr: stderr, State: t.TempDir()},
		runtimes: func(container.RuntimeFlags, func(string)) (enrich.Source, error) {
			return newNode(), nil
		},
	}
	var err error
	if s.ready, err = openReadiness(0, func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{s.openContainers, s.read, func() error { return s.setFeedParams(flags) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	ev, err := s.events()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.trace(ctx, ev); err != nil {
		t.Fatal(err)
	}
	return stdout.String()
}

func TestProcessesFeed(t *testing.T) {
	out := runFeed(t, processesYAML, map[string]string{"count": "1"})
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, row := range rows {
		if row["pid"] != float64(os.Getpid()) {
			continue
		}
		if row["memoryRSS"] == "" || row["memoryRSS_raw"] == 0.0 || row["comm"] == "" || row["mountnsid"] == 0.0 {
			t.Errorf("%v", row)
		}
		if _, ok := row["threadCount"]; ok {
			t.Error("a field that was not chosen is there")
		}
		return
	}
	t.Errorf("this process is not among %d: %s", len(rows), out)
}

func TestProgramsFeed(t *testing.T) {
	out := runFeed(t, "name: x\noperator:\n  ebpf:\n    emitstats: true\n",
		map[string]string{"statistics-interval": "20ms", "count": "2"})
	if got := strings.Count(out, "["); got < 2 {
		t.Errorf("%d readings, want 2: %s", got, out)
	}
}

func TestWrongFeeds(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"name: x\noperator:\n  process:\n    emitstats: true\n    fields: [cpu]\n", "cpu"},
		{"name: x\noperator:\n  process:\n    emitstats: true\n    interval: soon\n", "operator.process"},
		{"name: x\noperator:\n  process:\n    emitstats: false\n", "eBPF program nor a wasm program to run"},
	} {
		s := &session{cmd: &Cmd{}, g: &cli.Globals{}, artifact: &gadget.Artifact{Metadata: []byte(c.yaml)}}
		if err := s.read(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error about %q", err, c.want)
		}
	}
}
