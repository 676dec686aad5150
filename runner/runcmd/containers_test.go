package runcmd

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/rights"
)

// node is the runtimes of a machine on which containers start at given times.
type node struct {
	running []container.Container
	later   chan container.Event
	ended   chan struct{} // closed when the watch has ended
}

func newNode(running ...container.Container) *node {
	return &node{running: running, later: make(chan container.Event), ended: make(chan struct{})}
}

func (n *node) Watch(ctx context.Context, fn func(container.Event)) error {
	defer close(n.ended)
	for _, c := range n.running {
		fn(container.Event{Type: container.Added, Container: c})
	}
	fn(container.Event{Type: container.Listed})
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-n.later:
			fn(ev)
		}
	}
}

func contained(name string, p gadgettest.Contained) container.Container {
	return container.Container{
		Runtime: container.Runtime{Name: container.Podman, ID: "id-" + name, Container: name, ImageName: "busybox"},
		K8s:     container.K8s{PodName: "pod-" + name, Namespace: "ns"},
		PID:     p.PID, MountNS: p.MountNS, NetNS: p.NetNS,
	}
}

// start runs the gadget of object on a machine with the containers of n until
// stop is called, which returns the error of the run.
func start(t *testing.T, n *node, object string, cmd Cmd) (stdout, stderr *clitest.Buffer, stop func() error) {
	t.Helper()
	return startWith(t, n, object, cmd, nil)
}

// startWith is start with flags of the gadget.
func startWith(t *testing.T, n *node, object string, cmd Cmd, flags []string) (stdout, stderr *clitest.Buffer,
	stop func() error,
) {
	t.Helper()
	cmd.Gadget = filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(cmd.Gadget, gadgettest.File(t, object), nil, arch.Host()); err != nil {
		t.Fatal(err)
	}
	return startLayout(t, n, cmd, flags)
}

// startLayout is startWith for the gadget that cmd names.
func startLayout(t *testing.T, n *node, cmd Cmd, flags []string) (stdout, stderr *clitest.Buffer, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr = &clitest.Buffer{}, &clitest.Buffer{}
	s := &session{
		cmd: &cmd, kernel: btf.NewCache(), rest: Rest{Args: flags},
		g: &cli.Globals{Ctx: ctx, Stdout: stdout, Stderr: stderr, State: t.TempDir()},
		runtimes: func(container.RuntimeFlags, func(string)) (enrich.Source, error) {
			return n, nil
		},
	}
	if os.Getenv(confinedVariable) != "" {
		s.apply = rights.Set.Apply
	}
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	return stdout, stderr, func() error {
		cancel()
		return <-done
	}
}

func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
		if cond() {
			return
		}
	}
	t.Fatalf("%s did not come", what)
}

// names returns how many events of each container out has.
func eventsOf(t *testing.T, out string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		var ev struct {
			K8s     struct{ PodName, Namespace string }
			Runtime struct{ ContainerName, ContainerID, ContainerImageName, RuntimeName string }
		}
		if line == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		name := ev.Runtime.ContainerName
		if name != "" && (ev.K8s.PodName != "pod-"+name || ev.K8s.Namespace != "ns" || ev.Runtime.ContainerID != "id-"+name ||
			ev.Runtime.ContainerImageName != "busybox" || ev.Runtime.RuntimeName != "podman") {
			t.Errorf("incomplete: %s", line)
		}
		seen[name]++
	}
	return seen
}

func TestChosenContainers(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, object := range []string{"contained.bpf.o", "contained_user.bpf.o", "contained_ignored.bpf.o"} {
		t.Run(object, func(t *testing.T) {
			a, b := gadgettest.StartContained(t, "a"), gadgettest.StartContained(t, "b")
			n := newNode(contained("other", b))
			cmd := Cmd{
				Output: "json", SelectorFlags: container.SelectorFlags{ContainerName: "wanted"},
				RuntimeFlags: container.RuntimeFlags{PodmanSocket: "/dev/null"},
			}
			stdout, stderr, stop := start(t, n, object, cmd)
			waitFor(t, "the note", func() bool { return strings.Contains(stderr.String(), "waiting for one") })
			time.Sleep(200 * time.Millisecond)
			if out := stdout.String(); out != "" {
				t.Errorf("events came before any chosen container ran:\n%s", out)
			}
			n.later <- container.Event{Type: container.Added, Container: contained("wanted", a)}
			waitFor(t, "an event", func() bool { return strings.Count(stdout.String(), "\n") > 2 })
			n.later <- container.Event{Type: container.Removed, Container: contained("wanted", a)}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-n.ended:
			case <-time.After(5 * time.Second):
				t.Error("the runtimes are still watched")
			}
			seen := eventsOf(t, stdout.String())
			if seen["wanted"] < 3 || len(seen) != 1 {
				t.Errorf("events by container: %v, want only those of wanted", seen)
			}
		})
	}
}

// silent never reports what runs.
type silent struct{ ended chan struct{} }

func (s silent) Watch(ctx context.Context, _ func(container.Event)) error {
	defer close(s.ended)
	<-ctx.Done()
	return nil
}

func TestInterruptedWhileWaiting(t *testing.T) {
	gadgettest.NeedsKernel(t)
	src := silent{make(chan struct{})}
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "contained.bpf.o"), nil, arch.Host()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s := &session{
		cmd:    &Cmd{Gadget: layout, SelectorFlags: container.SelectorFlags{ContainerName: "web"}},
		kernel: btf.NewCache(), g: &cli.Globals{
			Ctx: ctx, Stdout: &clitest.Buffer{}, Stderr: &clitest.Buffer{}, State: t.TempDir(),
		},
		runtimes: func(container.RuntimeFlags, func(string)) (enrich.Source, error) { return src, nil },
	}
	begin := time.Now()
	if err := s.run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if took := time.Since(begin); took > listWait/2 {
		t.Errorf("the end took %v", took)
	}
	<-src.ended
}

func TestEnrichedWithoutChoice(t *testing.T) {
	gadgettest.NeedsKernel(t)
	a := gadgettest.StartContained(t, "a")
	n := newNode(contained("a", a))
	sock := filepath.Join(t.TempDir(), "podman.sock")
	if err := writeFile(sock); err != nil {
		t.Fatal(err)
	}
	cmd := Cmd{
		Output: "json", Filter: []string{"runtime.containerName==a"}, FilterExpr: []string{`k8s.podName startsWith "pod-"`},
		RuntimeFlags: container.RuntimeFlags{PodmanSocket: sock},
	}
	stdout, stderr, stop := start(t, n, "contained.bpf.o", cmd)
	waitFor(t, "an event", func() bool { return strings.Count(stdout.String(), "\n") > 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if seen := eventsOf(t, stdout.String()); len(seen) != 1 || seen["a"] < 3 {
		t.Errorf("events by container: %v, want only those of a", seen)
	}
	if got := stderr.String(); got != "gadget-run: ready, 1 program attached\n" {
		t.Errorf("stderr has more than the ready line: %s", got)
	}
	<-n.ended
}

func TestContainerColumn(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "podman.sock")
	if err := writeFile(sock); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		socket string
		host   bool
		want   bool
	}{
		{"a runtime is there", sock, false, true},
		{"with --host", sock, true, false},
		{"no runtime", sock + "-missing", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			missing := sock + "-missing"
			cmd := &Cmd{Host: tc.host, RuntimeFlags: container.RuntimeFlags{
				DockerSocket: missing, ContainerdSocket: missing, CRIOSocket: missing, PodmanSocket: tc.socket,
			}}
			s := &session{cmd: cmd, g: &cli.Globals{}, runtimes: openRuntimes}
			if err := s.openContainers(); err != nil {
				t.Fatal(err)
			}
			if got := s.containerFields().Show; got != tc.want {
				t.Errorf("column shown: %t, want %t", got, tc.want)
			}
		})
	}
}

func writeFile(path string) error { return os.WriteFile(path, nil, 0o600) }
