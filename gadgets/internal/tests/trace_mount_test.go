package tests

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// mountEvent is one event of data source mount.
type mountEvent struct {
	Proc  live.Process `json:"proc"`
	Delta int64        `json:"delta_raw"`
	Flags string       `json:"flags"`
	Error string       `json:"error"`
	Op    string       `json:"op"`
	FS    string       `json:"fs"`
	Src   string       `json:"src"`
	Dest  string       `json:"dest"`
	Data  string       `json:"data"`
}

// mounted is what a test compares of each event.
type mounted struct{ Op, Error, FS, Flags, Src, Dest, Data string }

func TestTraceMount(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	do := func() {
		_ = unix.Mount("source", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "size=64k")
		_ = unix.Unmount(dir, 0)
		_ = unix.Unmount(dir, 0)
		_ = unix.Mount("source", missing, "tmpfs", 0, "")
		_ = unix.Mount("", dir, "a long type", 0, "")
	}
	all := []mounted{
		{"MOUNT", "", "tmpfs", "MS_NOSUID|MS_NOEXEC", "source", dir, "size=64k"},
		{"UMOUNT", "", "", "", "", dir, ""},
		{"UMOUNT", "EINVAL", "", "", "", dir, ""},
		{"MOUNT", "ENOENT", "tmpfs", "", "source", missing, ""},
		{"MOUNT", "ENODEV", "a long ", "", "", dir, ""},
	}
	cases := []struct {
		name string
		args []string
		want []mounted
	}{
		{"all", nil, all},
		{"comm", []string{"--comm", live.Comm(t)}, all},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []mounted
			for _, e := range live.Observe[mountEvent](t, "trace_mount", c.args, do) {
				if !e.Proc.Own() {
					continue
				}
				got = append(got, mounted{e.Op, e.Error, e.FS, e.Flags, e.Src, e.Dest, e.Data})
				if e.Delta <= 0 || e.Delta > 10_000_000_000 {
					t.Errorf("%s of %s took %d ns", e.Op, e.Dest, e.Delta)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("mounts (-want +got):\n%s", diff)
			}
		})
	}
}
