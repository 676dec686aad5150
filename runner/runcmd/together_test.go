package runcmd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/metrics"
	"github.com/rules-gadget/rules_gadget/runner/stats"
)

const twoSpecs = `apiVersion: 1
kind: instance-spec
image: registry.example/trace_open:v1
paramValues:
  operator.cli.output: json
---
apiVersion: 1
kind: instance-spec
image: registry.example/other/trace_open@sha256:1
name: mine
`

func TestInvocations(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(manifest, []byte(twoSpecs), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		rest Rest
		want string // arguments and name of each
		err  string
	}{
		{args: "-ojson a", want: "-ojson a="},
		{
			args: "-ojson r/a:v1 b --host r/a@sha256:1",
			want: "-ojson --host r/a:v1=a|-ojson --host b=b|-ojson --host r/a@sha256:1=a-2",
		},
		{args: "./a.tar /b/c", want: "./a.tar=a|/b/c=c"},
		{args: "-fM", want: "--output=json registry.example/trace_open:v1 -fM=trace_open|" +
			"registry.example/other/trace_open@sha256:1 -fM=mine"},
		{args: "-fM a", err: "names 2 gadgets"},
		{args: "-fM a b", err: "mutually exclusive"},
		{args: "a b", rest: Rest{Help: true}, err: "--help"},
		{args: strings.Repeat("a ", maxTogether+1), err: "too many"},
	} {
		list, err := Invocations(t.Context(), strings.Fields(strings.ReplaceAll(tc.args, "M", manifest)), tc.rest, nil)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%q: error %v, want %q", tc.args, err, tc.err)
			}
			continue
		}
		var got []string
		for _, inv := range list {
			name := ""
			if inv.Rest.member != nil {
				name = inv.Rest.member.name
			}
			got = append(got, strings.ReplaceAll(strings.Join(inv.Args, " "), manifest, "M")+"="+name)
		}
		if text := strings.Join(got, "|"); err != nil || text != tc.want {
			t.Errorf("%q: got %q, %v, want %q", tc.args, text, err, tc.want)
		}
	}
}

// TestTogetherServes has one address for the metrics of all gadgets, until the last
// one ends.
func TestTogetherServes(t *testing.T) {
	list, err := together(make([]Invocation, 2), []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	a, b := list[0].Rest.member, list[1].Rest.member
	if a.metrics() != b.metrics() {
		t.Fatal("two registries")
	}
	registry, servers := a.metrics(), []*metrics.Server(nil)
	begin := func() (func(), error) {
		server, err := registry.Serve("127.0.0.1:0")
		servers = append(servers, server)
		return server.Close, err
	}
	stopA, errA := a.count(begin)
	stopB, errB := b.count(begin)
	if err := errors.Join(errA, errB); err != nil || len(servers) != 1 {
		t.Fatalf("%v, %d servers", err, len(servers))
	}
	stopA()
	resp, err := http.Get(servers[0].URL())
	if err != nil {
		t.Fatalf("one gadget still runs: %v", err)
	}
	resp.Body.Close()
	stopB()
	if _, err := http.Get(servers[0].URL()); err == nil {
		t.Error("the metrics are served after the run")
	}
}

// TestTogether runs two gadgets: each event has the name of its gadget, the run is ready
// once, and a gadget that fails ends the other.
func TestTogether(t *testing.T) {
	gadgettest.NeedsKernel(t)
	list, err := together(make([]Invocation, 2), []string{"open", "open"})
	if err != nil {
		t.Fatal(err)
	}
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "open.bpf.o"), gadgettest.File(t, "open.yaml"),
		arch.Host()); err != nil {
		t.Fatal(err)
	}
	stdout, stderr := &clitest.Buffer{}, &clitest.Buffer{}
	failure := errors.New("broken")
	fail := make(chan struct{})
	ended := make(chan error, 1)
	state := t.TempDir()
	go func() {
		ended <- Together(t.Context(), 3, func(ctx context.Context, i int) error {
			if i == 2 {
				<-fail
				return failure
			}
			s := &session{
				cmd: &Cmd{Gadget: layout, Output: "json"}, kernel: btf.NewCache(), rest: list[i].Rest,
				g:        &cli.Globals{Ctx: ctx, Stdout: stdout, Stderr: stderr, State: state},
				runtimes: func(container.RuntimeFlags, func(string)) (enrich.Source, error) { return newNode(), nil },
			}
			return s.run(ctx)
		})
	}()
	seen := map[string]bool{}
	waitFor(t, "an event of each gadget", func() bool {
		_, _ = os.Open("together-test")
		for line := range strings.SplitSeq(stdout.String(), "\n") {
			var ev struct{ Gadget, Fname string }
			if json.Unmarshal([]byte(line), &ev) == nil && ev.Fname == "together-test" {
				seen[ev.Gadget] = true
			}
		}
		return seen["open"] && seen["open-2"]
	})
	if got := list[0].Rest.member.missing.Load(); got != 0 {
		t.Errorf("%d gadgets are not attached", got)
	}
	if !strings.Contains(stderr.String(), "gadget-run: open-2: ready") {
		t.Errorf("no note names the gadget that is ready: %s", stderr.String())
	}
	close(fail)
	if err := <-ended; !errors.Is(err, failure) {
		t.Errorf("the run ended with %v", err)
	}
}

// programs are those that a loaded gadget has.
type programs []uint32

func (p programs) ProgramIDs() []uint32 { return p }

// TestGadgetOfProgram: a program is that of the gadget of the run that loaded it.
func TestGadgetOfProgram(t *testing.T) {
	list, err := Invocations(t.Context(), []string{"r/a:v1", "b", "r/a:v2"}, Rest{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, ref := range []string{"r/a:v1", "b", "r/a:v2"} {
		list[i].Rest.member.loaded(programs{uint32(10 * i), uint32(10*i + 1)}, ref)
	}
	for id, want := range map[uint32]stats.Gadget{
		1: {ID: "a", Name: "a", Image: "r/a:v1"}, 10: {ID: "b", Name: "b", Image: "b"},
		21: {ID: "a-2", Name: "a", Image: "r/a:v2"}, 30: {},
	} {
		if got := list[1].Rest.member.gadgetOf(id); got != want {
			t.Errorf("program %d: %+v, want %+v", id, got, want)
		}
	}
	var alone *member
	alone.loaded(programs{1}, "a")
	if got := alone.gadgetOf(1); got != (stats.Gadget{}) {
		t.Errorf("a gadget alone: %+v", got)
	}
}
