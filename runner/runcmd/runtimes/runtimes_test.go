// Package runtimes_test runs gadgets with real container runtimes.
package runtimes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/app"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// runnerEnv makes the test program gadget-run: a run gives up rights that the tests
// need.
const runnerEnv = "RUNTIMES_TEST_RUNNER"

func TestMain(m *testing.M) {
	if os.Getenv(runnerEnv) == "" {
		os.Exit(containertest.Main(m))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := app.Run(ctx, os.Args[1:], nil, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(cli.ExitCode(err))
}

// patience is how long something may take on a busy machine.
const patience = 30 * time.Second

// event is what the tests read of an event.
type event struct {
	FName string
	K8s   struct {
		Namespace, PodName, ContainerName, PodLabels string
		HostNetwork                                  bool
	}
	Runtime struct {
		RuntimeName, ContainerName, ContainerID, ContainerImageName string
		ContainerPid                                                uint32
	}
}

func TestRun(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for name, start := range map[string]func(testing.TB) containertest.Runtime{
		container.Docker: containertest.Docker, container.Podman: containertest.Podman,
		container.Containerd: containertest.Containerd,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			t.Run("chosen", func(t *testing.T) { testChosen(t, name, r) })
			t.Run("started later", func(t *testing.T) { testLater(t, name, r) })
			t.Run("enriched", func(t *testing.T) { testEnriched(t, name, r) })
			t.Run("nothing left", func(t *testing.T) { testNothingLeft(t, name, r) })
			if name == container.Containerd {
				t.Run("pod", func(t *testing.T) { testPod(t, r) })
			}
		})
	}
}

// testChosen shows the events of one container of two, with its names.
func testChosen(t *testing.T, name string, r containertest.Runtime) {
	id := r.Start(t, containertest.Spec{Name: "web"})
	r.Start(t, containertest.Spec{Name: "other"})
	web, other := pid(t, name, r, "web"), pid(t, name, r, "other")
	for _, object := range []string{"contained.bpf.o", "contained_user.bpf.o"} {
		out := run(t, name, r, object, "-c", "web")
		defer out.stop()
		events := out.wait(t, 3, func() {
			containertest.Open(t, other, inContainer)
			containertest.Open(t, web, inContainer)
		})
		for _, ev := range events {
			rt := ev.Runtime
			if rt.ContainerName != "web" || rt.ContainerID != id || rt.RuntimeName != name || rt.ContainerPid != web ||
				rt.ContainerImageName != containertest.ImageName || ev.FName != inContainer {
				t.Errorf("%s: got %+v, want only events of web (id %s, pid %d)", object, ev, id, web)
			}
		}
	}
}

// testLater waits for the container, and attributes its last events to it.
func testLater(t *testing.T, name string, r containertest.Runtime) {
	out := run(t, name, r, "contained.bpf.o", "-c", "later")
	defer out.stop()
	out.waitNote(t, "waiting for one")
	id := r.Start(t, containertest.Spec{Name: "later"})
	p := pid(t, name, r, "later")
	for _, ev := range out.wait(t, 3, func() { containertest.Open(t, p, inContainer) }) {
		if ev.Runtime.ContainerID != id {
			t.Errorf("got %+v, want only events of %s", ev, id)
		}
	}
}

// testEnriched chooses nothing: the names come when the runtime has reported them.
func testEnriched(t *testing.T, name string, r containertest.Runtime) {
	r.Start(t, containertest.Spec{Name: "named"})
	p := pid(t, name, r, "named")
	out := run(t, name, r, "contained.bpf.o", "-F", "fname=="+inContainer, "-E", `runtime.containerName startsWith "nam"`)
	defer out.stop()
	for _, ev := range out.wait(t, 2, func() { containertest.Open(t, p, inContainer) }) {
		if ev.Runtime.ContainerName != "named" {
			t.Errorf("got %+v, want only events of the container named", ev)
		}
	}
}

// testNothingLeft counts goroutines: those that follow the runtime end with the run.
func testNothingLeft(t *testing.T, name string, r containertest.Runtime) {
	r.Start(t, containertest.Spec{Name: "quiet"})
	p := pid(t, name, r, "quiet")
	once := func() {
		out := run(t, name, r, "contained.bpf.o", "-c", "quiet")
		defer out.stop()
		out.wait(t, 1, func() { containertest.Open(t, p, inContainer) })
	}
	once() // what libraries keep forever
	before := runtime.NumGoroutine()
	once()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			all := make([]byte, 1<<20)
			t.Fatalf("%d goroutines are left, %d were there:\n%s", runtime.NumGoroutine(), before,
				all[:runtime.Stack(all, true)])
		}
	}
}

// testPod chooses a pod, as a kubelet makes it.
func testPod(t *testing.T, r containertest.Runtime) {
	pod := containertest.StartPod(t, r, containertest.PodSpec{
		Namespace: "space", Name: "web-1", Container: "inner", Labels: map[string]string{"app": "web", "tier": "front"},
	})
	containertest.StartPod(t, r, containertest.PodSpec{
		Namespace: "space", Name: "db-1", Container: "inner-db", Labels: map[string]string{"app": "db"},
	})
	p, other := pid(t, container.Containerd, r, "inner"), pid(t, container.Containerd, r, "inner-db")
	for _, choice := range [][]string{
		{"--k8s-podname", "web-1"}, {"--k8s-selector", "app=web"}, {"--k8s-namespace=space", "--k8s-containername=!inner-db"},
	} {
		out := run(t, container.Containerd, r, "contained.bpf.o", choice...)
		defer out.stop()
		for _, ev := range out.wait(t, 2, func() {
			containertest.Open(t, other, inContainer)
			containertest.Open(t, p, inContainer)
		}) {
			k := ev.K8s
			if k.Namespace != "space" || k.PodName != "web-1" || k.ContainerName != "inner" || !k.HostNetwork ||
				!strings.Contains(k.PodLabels, "app=web") || ev.Runtime.ContainerID != pod.Container {
				t.Errorf("%q: got %+v, want only events of web-1", choice, ev)
			}
		}
	}
}

// flags ask one runtime.
func flags(name string, r containertest.Runtime) container.RuntimeFlags {
	return container.RuntimeFlags{
		Runtimes: name, ContainerdNamespace: containertest.Namespace,
		DockerSocket: r.Socket(), PodmanSocket: r.Socket(), ContainerdSocket: r.Socket(),
	}
}

// pid returns the process of a container, once the runtime reports it.
func pid(t *testing.T, name string, r containertest.Runtime, wanted string) uint32 {
	t.Helper()
	c, err := container.Open(flags(name, r), func(text string) { t.Log(text) })
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		list, err := c.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.Runtime.Container == wanted {
				return one.PID
			}
		}
	}
	t.Fatalf("container %q does not run", wanted)
	return 0
}

// inContainer is the file that is opened in containers.
const inContainer = "/of-the-container"

// running is a run of gadget-run.
type running struct {
	out, notes clitest.Buffer
	cancel     context.CancelFunc
	done       chan error
	once       sync.Once
}

func run(t *testing.T, name string, r containertest.Runtime, object string, args ...string) *running {
	t.Helper()
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, object), nil, arch.Host()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := &running{cancel: cancel, done: make(chan error, 1)}
	args = append([]string{
		"--state=" + t.TempDir(), "run", layout, "--verify-image=false", "-o", "json", "-r", name,
		"--" + name + "-socketpath=" + r.Socket(), "--containerd-namespace=" + containertest.Namespace,
	}, args...)
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), runnerEnv+"=1")
	cmd.Stdout, cmd.Stderr = &out.out, &out.notes
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := cmd.Wait()
		if cmd.ProcessState.Success() { // that the context ended is not a failure
			err = nil
		}
		out.done <- err
	}()
	return out
}

// stop ends the run.
func (r *running) stop() { r.once.Do(func() { r.cancel(); r.done <- <-r.done }) }

// wait provokes events until n have come, ends the run and returns them.
func (r *running) wait(t *testing.T, n int, trigger func()) []event {
	t.Helper()
	for end := time.Now().Add(patience); strings.Count(r.out.String(), "\n") < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d events did not come, but these:\n%s%s", n, r.out.String(), r.notes.String())
		}
		trigger()
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("the run ended with: %v", err)
	}
	r.done <- nil
	var events []event
	for line := range strings.SplitSeq(strings.TrimSpace(r.out.String()), "\n") {
		var ev event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		events = append(events, ev)
	}
	return events
}

func (r *running) waitNote(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(r.notes.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no note %q came, but these:\n%s", text, r.notes.String())
		}
	}
}
