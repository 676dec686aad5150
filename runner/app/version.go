package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// What Bazel sets at link time. Without --stamp, version and revision stay the
// names of their variables, in braces.
var (
	version  string // of the tag that the release was built from
	revision string // commit
	module   string // version in MODULE.bazel
)

// versionCmd is "gadget-run version".
type versionCmd struct {
	Output string `short:"o" enum:"columns,json" default:"columns" help:"Format of the output: columns or json."`
}

// Help gives examples.
func (versionCmd) Help() string {
	return `Examples:

    gadget-run version
    gadget-run version -o json`
}

// about is what this program and this machine are.
type about struct {
	Version  string        `json:"version"`
	Revision string        `json:"revision"`
	Go       string        `json:"go"`
	Platform string        `json:"platform"`
	Kernel   string        `json:"kernel"`
	Features []featureLine `json:"features"`
}

type featureLine struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Run prints what this program and this machine are.
func (c versionCmd) Run(g *cli.Globals) error {
	built, _ := debug.ReadBuildInfo()
	a := about{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernelRelease()}
	a.Version, a.Revision = identity(built)
	for _, f := range engine.Features() {
		a.Features = append(a.Features, featureLine{f.Name, f.State})
	}
	if c.Output == "json" {
		enc := json.NewEncoder(g.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(a)
	}
	return a.print(g.Stdout)
}

func (a about) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "gadget-run\t%s\n", a.Version)
	fmt.Fprintf(w, "revision\t%s\n", a.Revision)
	fmt.Fprintf(w, "go\t%s %s\n", a.Go, a.Platform)
	fmt.Fprintf(w, "kernel\t%s\n", a.Kernel)
	for _, f := range a.Features {
		fmt.Fprintf(w, "%s\t%s\n", f.Name, f.State)
	}
	return w.Flush()
}

// identity returns the version and the commit: those that Bazel stamped, else
// what MODULE.bazel has, marked as not a release, else the version in Go's build information.
func identity(built *debug.BuildInfo) (ver, rev string) {
	var mainVersion, commit string
	if built != nil {
		if mainVersion = built.Main.Version; mainVersion == "(devel)" {
			mainVersion = ""
		}
		commit = vcsRevision(built.Settings)
	}
	development := ""
	if module != "" {
		development = "v" + module + "-development"
	}
	return cmp.Or(stamped(version), development, mainVersion, "development"), cmp.Or(stamped(revision), commit, "unknown")
}

func vcsRevision(settings []debug.BuildSetting) string {
	commit, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + dirty
}

// stamped returns v, or nothing when the build did not stamp it and left the
// name of the variable in braces.
func stamped(v string) string {
	if strings.HasPrefix(v, "{") {
		return ""
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
