package runcmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// watcher writes the layout of a gadget that is testdata/watcher alone.
func watcher(t *testing.T, metadata string) string {
	t.Helper()
	built := os.Getenv("WATCHER")
	if built != "" {
		built = filepath.Join("..", "..", built)
	}
	module := gadgettest.WasmProgram(t, filepath.Join("testdata", "watcher"), built)
	dir := filepath.Join(t.TempDir(), "layout")
	err := gadgettest.WriteManifests(dir, gadget.ManifestInput{
		Arch: arch.Host(), Metadata: []byte(metadata), Wasm: module,
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const watcherMetadata = "name: watcher\nannotations: {enable-containers-datasource: true}\n"

func TestContainersForAWasmProgram(t *testing.T) {
	gadgettest.NeedsKernel(t)
	first, later := gadgettest.StartContained(t, "a"), gadgettest.StartContained(t, "b")
	started := contained("there", first)
	started.CgroupID = 42
	for _, tc := range []struct {
		name     string
		selector container.SelectorFlags
		want     []string
	}{
		{"all", container.SelectorFlags{}, []string{
			fmt.Sprintf(`CREATED "" "" 0 %d unwanted=false`, mountNSOf("/proc/1/ns/mnt")),
			fmt.Sprintf(`CREATED "id-there" "there" 42 %d unwanted=false`, first.MountNS),
			fmt.Sprintf(`CREATED "id-later" "later" 0 %d unwanted=false`, later.MountNS),
			fmt.Sprintf(`DELETED "id-later" "later" 0 %d unwanted=false`, later.MountNS),
		}},
		{"chosen", container.SelectorFlags{ContainerName: "later"}, []string{
			fmt.Sprintf(`CREATED "id-later" "later" 0 %d unwanted=false`, later.MountNS),
			fmt.Sprintf(`DELETED "id-later" "later" 0 %d unwanted=false`, later.MountNS),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := newNode(started)
			cmd := Cmd{
				Gadget: watcher(t, watcherMetadata), SelectorFlags: tc.selector, Output: "seen:custom-columns=text,containers:json",
				RuntimeFlags: container.RuntimeFlags{PodmanSocket: "/dev/null"},
			}
			stdout, stderr, stop := startLayout(t, n, cmd, nil)
			waitFor(t, "the start", func() bool { return strings.Contains(stderr.String(), "ready") })
			added := container.Event{Type: container.Added, Container: contained("later", later)}
			n.later <- added
			n.later <- container.Event{Type: container.Removed, Container: added.Container}
			waitFor(t, "the end of a container", func() bool { return strings.Count(stdout.String(), "DELETED") == 2 })
			if err := stop(); err != nil {
				t.Fatal(err, stderr)
			}
			out := stdout.String()
			for _, line := range append(tc.want, "write[{fd false} {buf true} {count false}] <nil> true") {
				if strings.Count(out, line) != 1 {
					t.Errorf("no or more than one line %q in:\n%s", line, out)
				}
			}
			if n := strings.Count(out, "unwanted="); n != len(tc.want) {
				t.Errorf("%d events of containers, want %d:\n%s", n, len(tc.want), out)
			}
			if !strings.Contains(out, `"event_type":"DELETED"`) {
				t.Errorf("the events of the containers are not shown where they are wanted:\n%s", out)
			}
		})
	}
}

func TestContainerFieldsHiddenByDefault(t *testing.T) {
	gadgettest.NeedsKernel(t)
	stdout, stderr, stop := startLayout(t, newNode(), Cmd{Gadget: watcher(t, watcherMetadata)}, nil)
	waitFor(t, "the machine's event", func() bool { return strings.Contains(stdout.String(), "CREATED") })
	if err := stop(); err != nil {
		t.Fatal(err, stderr)
	}
	if strings.Contains(stdout.String(), "EVENT_TYPE") {
		t.Errorf("events of containers are shown:\n%s", stdout)
	}
}
