package container_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

// patience is how long a change may take to be reported on a busy machine.
const patience = 20 * time.Second

// runtimes are the real runtimes that tests start, by their names.
var runtimes = map[string]func(testing.TB) containertest.Runtime{
	container.Docker: containertest.Docker, container.Podman: containertest.Podman,
	container.Containerd: containertest.Containerd,
}

// flagsFor selects one runtime at socket.
func flagsFor(name, socket string) container.RuntimeFlags {
	return container.RuntimeFlags{
		Runtimes: name, ContainerdNamespace: containertest.Namespace,
		DockerSocket: socket, PodmanSocket: socket, ContainerdSocket: socket, CRIOSocket: socket,
	}
}

// open opens a collection that must not warn.
func open(tb testing.TB, flags container.RuntimeFlags) *container.Collection {
	tb.Helper()
	c, err := container.Open(flags, func(text string) { tb.Error("warning:", text) })
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func list(tb testing.TB, c *container.Collection) []container.Container {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all, err := c.List(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestRuntimes(t *testing.T) {
	for name, start := range runtimes {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			t.Run("list", func(t *testing.T) { testList(t, name, r) })
			t.Run("watch", func(t *testing.T) { testWatch(t, name, r) })
			t.Run("restart", func(t *testing.T) { testRestart(t, name, r) })
			if again, ok := r.(containertest.Restarter); ok {
				t.Run("container again", func(t *testing.T) { testAgain(t, name, r, again) })
			}
			if name == container.Podman {
				t.Run("pod", func(t *testing.T) { testPodmanPod(t, r) })
			}
		})
	}
}

// testList starts containers and checks what is listed against /proc.
func testList(t *testing.T, name string, r containertest.Runtime) {
	before := time.Now()
	id := r.Start(t, containertest.Spec{Name: "rest-one", Labels: map[string]string{
		"io.kubernetes.pod.name": "pod-one", "io.kubernetes.pod.namespace": "space",
		"io.kubernetes.container.name": "rest-one",
	}})
	r.Start(t, containertest.Spec{Name: "rest-two"})
	r.Stop(t, r.Start(t, containertest.Spec{Name: "ended"}))
	c := open(t, flagsFor(name, r.Socket()))
	all := list(t, c)
	if names(all) != "rest-one rest-two" {
		t.Fatalf("listed %q: %+v", names(all), all)
	}
	one := all[0]
	want := container.Runtime{
		Name: name, ID: id, Container: "rest-one", ImageName: containertest.ImageName, ImageID: r.ImageID(),
		StartedAt: one.Runtime.StartedAt, ImageDigest: one.Runtime.ImageDigest,
	}
	if got := one.Runtime; got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if at := time.Unix(0, one.Runtime.StartedAt); at.Before(before.Add(-2*time.Second)) || at.After(time.Now()) {
		t.Errorf("started at %v, and the test at %v", at, before)
	}
	if one.K8s.PodName != "pod-one" || one.K8s.Namespace != "space" || one.K8s.Container != "rest-one" {
		t.Errorf("Kubernetes: %+v", one.K8s)
	}
	holdAgainstProc(t, one)
	for i, flags := range []container.SelectorFlags{
		{ContainerName: "rest-two"},
		{ContainerName: "!rest-one"},
		{K8sPodName: "!pod-one"},
		{K8sNamespace: "space"},
		{ImageID: "12"},
	} {
		s, err := flags.Selector()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(s.Match(&all[0]), s.Match(&all[1])), []string{
			"false true", "false true", "false true",
			"true false", "false false",
		}[i]; got != want {
			t.Errorf("%+v matches %s, want %s", flags, got, want)
		}
	}
}

// names returns the names of containers, in their order.
func names(all []container.Container) string {
	var out []string
	for _, c := range all {
		out = append(out, c.Runtime.Container)
	}
	return strings.Join(out, " ")
}

// holdAgainstProc compares a container with /proc of its process.
func holdAgainstProc(t *testing.T, c container.Container) {
	t.Helper()
	dir := "/proc/" + strconv.Itoa(int(c.PID))
	// Some runtimes report a container whose program has not started.
	cmdline, _ := os.ReadFile(dir + "/cmdline")
	for end := time.Now().Add(patience); string(cmdline) != "/rest\x00"; cmdline, _ = os.ReadFile(dir + "/cmdline") {
		if time.Now().After(end) {
			t.Fatalf("process %d is %q", c.PID, cmdline)
		}
		time.Sleep(time.Millisecond)
	}
	for kind, inode := range map[string]uint64{"mnt": c.MountNS, "net": c.NetNS} {
		link, err := os.Readlink(dir + "/ns/" + kind)
		if want := fmt.Sprintf("%s:[%d]", kind, inode); err != nil || link != want {
			t.Errorf("namespace is %s, /proc says %s (%v)", want, link, err)
		}
	}
	if own, _ := os.Readlink("/proc/self/ns/mnt"); own == fmt.Sprintf("mnt:[%d]", c.MountNS) {
		t.Error("the container has the mount namespace of the test")
	}
	if !c.HostNetwork {
		t.Error("the container has the network of the host, and this is not reported")
	}
	groups, _ := os.ReadFile(dir + "/cgroup")
	for _, path := range []string{c.CgroupV1, c.CgroupV2} {
		if path != "" && !strings.Contains(string(groups), ":"+path+"\n") {
			t.Errorf("cgroup %q is not in %q", path, groups)
		}
	}
	if c.CgroupPath != "" && c.CgroupID == 0 || c.CgroupPath == "" && c.CgroupID != 0 {
		t.Errorf("cgroup %q has the ID %d", c.CgroupPath, c.CgroupID)
	}
}

// recorder collects the events of a Watch.
type recorder struct {
	mu     sync.Mutex
	events []container.Event
	more   chan struct{}
}

// watch follows c until the test ends.
func watch(tb testing.TB, c *container.Collection) *recorder {
	tb.Helper()
	r := &recorder{more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- c.Watch(ctx, func(e container.Event) {
			r.mu.Lock()
			r.events = append(r.events, e)
			r.mu.Unlock()
			select {
			case r.more <- struct{}{}:
			default:
			}
		})
	}()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return r
}

// String returns the events so far, as in "CREATED a, LISTED".
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		out = append(out, strings.TrimSpace(string(e.Type)+" "+e.Container.Runtime.Container))
	}
	return strings.Join(out, ", ")
}

// wait waits until exactly the events of want have come.
func (r *recorder) wait(tb testing.TB, want string) {
	tb.Helper()
	timeout := time.After(patience)
	for {
		got := r.String()
		if got == want {
			return
		}
		if !strings.HasPrefix(want, got) {
			tb.Fatalf("got  %s\nwant %s", got, want)
		}
		select {
		case <-r.more:
		case <-timeout:
			tb.Fatalf("after %v: %s\nwant %s", patience, got, want)
		}
	}
}

// testWatch sees what runs, one start and one end.
func testWatch(t *testing.T, name string, r containertest.Runtime) {
	r.Start(t, containertest.Spec{Name: "early"})
	seen := watch(t, open(t, flagsFor(name, r.Socket())))
	seen.wait(t, "CREATED early, LISTED")
	start := time.Now()
	id := r.Start(t, containertest.Spec{Name: "late"})
	seen.wait(t, "CREATED early, LISTED, CREATED late")
	t.Logf("reported %v after the start was requested", time.Since(start).Round(time.Millisecond))
	late := seen.events[2].Container
	holdAgainstProc(t, late)
	r.Stop(t, id)
	seen.wait(t, "CREATED early, LISTED, CREATED late, DELETED late")
	if gone := seen.events[3].Container; gone.MountNS != late.MountNS {
		t.Errorf("mount namespace %d was added, and %d removed", late.MountNS, gone.MountNS)
	}
	time.Sleep(2 * time.Second) // a second list comes meanwhile, and must report nothing twice
	seen.wait(t, "CREATED early, LISTED, CREATED late, DELETED late")
}

// testRestart ends the runtime while its containers run, and starts it again.
func testRestart(t *testing.T, name string, r containertest.Runtime) {
	r.Start(t, containertest.Spec{Name: "stays"})
	var mu sync.Mutex
	var warnings []string
	c, err := container.Open(flagsFor(name, r.Socket()), func(text string) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := watch(t, c)
	seen.wait(t, "CREATED stays, LISTED")
	r.Restart(t)
	r.Start(t, containertest.Spec{Name: "next"})
	seen.wait(t, "CREATED stays, LISTED, CREATED next")
	mu.Lock()
	defer mu.Unlock()
	if len(warnings) != 1 || !strings.Contains(warnings[0], name) || !strings.Contains(warnings[0], r.Socket()) {
		t.Errorf("warnings: %q", warnings)
	}
}

// testAgain ends a container and starts it at once: the second run has another
// process and other namespaces.
func testAgain(t *testing.T, name string, r containertest.Runtime, again containertest.Restarter) {
	id := r.Start(t, containertest.Spec{Name: "again"})
	seen := watch(t, open(t, flagsFor(name, r.Socket())))
	seen.wait(t, "CREATED again, LISTED")
	again.RestartContainer(t, id)
	seen.wait(t, "CREATED again, LISTED, DELETED again, CREATED again")
	first, second := seen.events[0].Container, seen.events[3].Container
	if first.PID == second.PID || seen.events[2].Container.PID != first.PID {
		t.Errorf("process %d was reported, then %d ended, then %d was reported", first.PID,
			seen.events[2].Container.PID, second.PID)
	}
	holdAgainstProc(t, second)
}

// testPodmanPod lists a container of a pod, but not the one that only holds the
// pod together.
func testPodmanPod(t *testing.T, r containertest.Runtime) {
	pod, id := containertest.StartPodmanPod(t, r, "shop", "web")
	all := list(t, open(t, flagsFor(container.Podman, r.Socket())))
	if len(all) != 1 {
		t.Fatalf("listed %+v", all)
	}
	if c := all[0]; c.Runtime.ID != id || c.Runtime.Container != "web" || c.K8s.PodName != "shop" || c.SandboxID != pod {
		t.Errorf("got %+v", c)
	}
}
