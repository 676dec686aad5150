package tests

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// linkEvent is one event of data source link.
type linkEvent struct {
	Proc     live.Process `json:"proc"`
	Type     string       `json:"type"`
	Error    string       `json:"error"`
	Target   string       `json:"target"`
	Linkpath string       `json:"linkpath"`
}

// link is what a test compares of each event.
type link struct{ Type, Error, Target, Linkpath string }

// longestPath is the longest path that a gadget shows whole.
const longestPath = 511

func TestTraceLink(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	long := strings.Repeat("x/", 400)
	do := func() {
		_ = unix.Symlink("any text", in("s1"))
		_ = unix.Symlinkat("../\x1b[31m", unix.AT_FDCWD, in("s2"))
		_ = unix.Link(in("s1"), in("h1"))
		_ = unix.Linkat(unix.AT_FDCWD, in("s1"), unix.AT_FDCWD, in("h2"), 0)
		_ = unix.Symlink(long, in("s3"))
		_ = unix.Symlink("again", in("s1"))
		_ = unix.Link(in("missing"), in("h3"))
		for _, name := range []string{"s1", "s2", "s3", "h1", "h2"} {
			_ = unix.Unlink(in(name))
		}
	}
	all := []link{
		{"SYMLINK", "", "any text", in("s1")},
		{"SYMLINK", "", "../\x1b[31m", in("s2")},
		{"HARDLINK", "", in("s1"), in("h1")},
		{"HARDLINK", "", in("s1"), in("h2")},
		{"SYMLINK", "", long[:longestPath], in("s3")},
		{"SYMLINK", "EEXIST", "again", in("s1")},
		{"HARDLINK", "ENOENT", in("missing"), in("h3")},
	}
	cases := []struct {
		name string
		args []string
		want []link
	}{
		{"made", nil, all[:5]},
		{"all", []string{"--ignore-errors=false"}, all},
		{"comm", []string{"--comm", live.Comm(t)}, all[:5]},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []link
			for _, e := range live.Observe[linkEvent](t, "trace_link", c.args, do) {
				if e.Proc.Own() {
					got = append(got, link{e.Type, e.Error, e.Target, e.Linkpath})
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
		})
	}
}
