package containercmd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

// command returns the command of a command line.
func command(tb testing.TB, args ...string) *List {
	tb.Helper()
	var l List
	parser, err := kong.New(&l)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		tb.Fatal(err)
	}
	return &l
}

// run runs a command line and returns what it prints.
func run(tb testing.TB, args ...string) (stdout, stderr string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	if err := command(tb, args...).Run(&cli.Globals{Ctx: ctx, Stdout: &out, Stderr: &errs}); err != nil {
		tb.Fatal(err)
	}
	return out.String(), errs.String()
}

// TestAllRuntimes lists and watches the containers of three real runtimes at
// once, and leaves the fourth out.
func TestAllRuntimes(t *testing.T) {
	docker, podman, containerd := containertest.Docker(t), containertest.Podman(t), containertest.Containerd(t)
	sockets := []string{
		"--docker-socketpath=" + docker.Socket(), "--podman-socketpath=" + podman.Socket(),
		"--containerd-socketpath=" + containerd.Socket(), "--crio-socketpath=" + t.TempDir() + "/none",
	}
	for _, r := range []containertest.Runtime{docker, podman, containerd} {
		r.Start(t, containertest.Spec{Name: "rest"})
	}
	t.Run("columns", func(t *testing.T) {
		stdout, stderr := run(t, append(sockets, "-o", "columns=runtime.runtime,runtime.container")...)
		want := "RUNTIME.RUNTIME RUNTIME.CONTAINER\n" +
			"containerd      rest\ndocker          rest\npodman          rest\n"
		if stdout != want {
			t.Errorf("got\n%swant\n%s", stdout, want)
		}
		if !strings.HasPrefix(stderr, "gadget-run: no containers of cri-o: socket") ||
			strings.Count(stderr, "\n") != 1 {
			t.Errorf("warnings: %q", stderr)
		}
	})
	t.Run("filtered JSON", func(t *testing.T) {
		stdout, stderr := run(t, append(sockets, "-o", "json", "-r", "docker,podman", "-c", "rest")...)
		var got []container.Container
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || stderr != "" || len(got) != 2 {
			t.Fatalf("got %s (%v), and %q", stdout, err, stderr)
		}
		if stdout, _ := run(t, append(sockets, "-o", "json", "-r", "docker,podman", "-c", "!rest")...); stdout != "[]\n" {
			t.Errorf("nothing matches, and there is %s", stdout)
		}
	})
	t.Run("watch", func(t *testing.T) { testWatch(t, append(sockets, "-r", "docker,podman,containerd"), docker) })
}

// testWatch runs the command until it is interrupted.
func testWatch(t *testing.T, flags []string, docker containertest.Runtime) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	lines, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := command(t, append(flags, "-w", "-o", "json", "-c", "rest,new")...).Run(&cli.Globals{
			Ctx: ctx, Stdout: out, Stderr: io.Discard,
		})
		out.Close()
		done <- err
	}()
	dec := json.NewDecoder(lines)
	next := func() string {
		var e struct {
			Event     string
			Container container.Container
		}
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		return e.Event + " " + e.Container.Runtime.Name + " " + e.Container.Runtime.Container
	}
	seen := map[string]bool{next(): true, next(): true, next(): true}
	for _, name := range []string{container.Docker, container.Podman, container.Containerd} {
		if !seen["CREATED "+name+" rest"] {
			t.Errorf("nothing of %s in %v", name, seen)
		}
	}
	docker.Start(t, containertest.Spec{Name: "other"})
	id := docker.Start(t, containertest.Spec{Name: "new"})
	if got := next(); got != "CREATED docker new" {
		t.Errorf("got %q", got)
	}
	docker.Stop(t, id)
	if got := next(); got != "DELETED docker new" {
		t.Errorf("got %q", got)
	}
	interrupt()
	if err := <-done; err != nil {
		t.Errorf("interrupted: %v", err)
	}
}

// TestWatchEnds ends by the timeout, and when the output has no reader.
func TestWatchEnds(t *testing.T) {
	none := "--docker-socketpath=" + t.TempDir() + "/none"
	var warnings clitest.Buffer
	err := command(t, "-r", "docker", none, "-w", "--timeout", "1s").Run(&cli.Globals{
		Ctx: context.Background(), Stdout: io.Discard, Stderr: &warnings,
	})
	if err != nil {
		t.Error(err)
	}
	if got := warnings.String(); strings.Count(got, "\n") != 1 {
		t.Errorf("a runtime that stays away is reported once, not in %q", got)
	}
	lines, out := io.Pipe()
	lines.Close()
	err = command(t, "-r", "docker", none, "-w").Run(&cli.Globals{
		Ctx: context.Background(), Stdout: out, Stderr: io.Discard,
	})
	if err == nil {
		t.Error("the output has no reader, and this is not an error")
	}
}
