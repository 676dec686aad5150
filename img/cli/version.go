package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd is "version".
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(g *Globals) error {
	_, err := fmt.Fprintf(g.Out, "img:\n version     : %s\n buildkit    : %s\n go version  : %s\n platform    : %s/%s\n",
		release(), dependency("github.com/moby/buildkit"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// dependency is the version of a module that is linked in.
func dependency(path string) string {
	built, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range built.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}
