package main

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// version and revision are set at link time (-X main.version=...).
var (
	version  = "development"
	revision = "unknown"
)

// versionCmd is "gadget-run version".
type versionCmd struct{}

// Run prints what this program and this machine are.
func (versionCmd) Run(g *cli.Globals) error {
	w := tabwriter.NewWriter(g.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "gadget-run\t%s\n", version)
	fmt.Fprintf(w, "revision\t%s\n", stamp(revision))
	fmt.Fprintf(w, "go\t%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "kernel\t%s\n", kernelRelease())
	for _, f := range engine.Features() {
		fmt.Fprintf(w, "%s\t%s\n", f.Name, f.State)
	}
	return w.Flush()
}

// stamp returns v, or "unknown" when the build did not stamp it and left the
// name of the variable in braces.
func stamp(v string) string {
	if v == "" || strings.HasPrefix(v, "{") {
		return "unknown"
	}
	return v
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
