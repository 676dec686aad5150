// Package ociruntime finds the program that runs a step of a build in a
// container.
package ociruntime

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/toolchain/lock"
)

// runtime is the one that is fetched where the machine has none. It is the
// one whose steps need no second start of /proc/self/exe, so that its own loader
// can start it: it runs with any C library.
const runtime = "crun"

// cgroup2 is where a machine with both versions of cgroups has version 2.
const cgroup2 = "/sys/fs/cgroup/unified"

// Names are the programs that are looked for in PATH, in order.
func Names() []string { return []string{"runc", "crun"} }

// Advice begins the error of a machine without a runtime.
const Advice = "no runc or crun in PATH, install the package runc or crun to build what has a RUN"

// Finder finds an OCI runtime.
type Finder struct {
	// Cache is the directory of what was fetched; it may be removed at any time.
	Cache string
	// Run is a directory that goes away with this process.
	Run string
	// Fetch gets a pinned package.
	Fetch pinned.Fetch
	// Note reports a fetch to the user.
	Note func(string)
}

// Find returns the program to use: runc or crun of PATH, else the pinned one.
// It must run in a mount namespace of its own.
func (f Finder) Find(ctx context.Context) (string, error) {
	for _, name := range Names() {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	fetch := func(ctx context.Context, p pinned.Package) ([]byte, error) {
		f.Note(fmt.Sprintf("fetching %s %s (%d kB): no runc or crun in PATH", p.Name, p.Version, p.Size/1000))
		return f.Fetch(ctx, p)
	}
	program, err := pinned.Cache{Dir: f.Cache, Fetch: fetch}.Program(ctx, arch.Host(), lock.OCIRuntime, runtime)
	if err != nil {
		return "", fmt.Errorf(Advice+": %w", err)
	}
	if err := hideCgroup2(cgroup2); err != nil {
		return "", err
	}
	return writeScript(filepath.Join(f.Run, "pinned-"+runtime), program.Command)
}

// hideCgroup2 covers the second hierarchy of a machine that has both versions of
// cgroups: crun refuses such machines, and img sets no limits.
func hideCgroup2(path string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil
	}
	if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755"); err != nil {
		return fmt.Errorf("covering %q, which crun does not understand: %w", path, err)
	}
	return nil
}

// writeScript writes a program that starts command without cgroups.
func writeScript(path string, command []string) (string, error) {
	var words []string
	for _, w := range command {
		words = append(words, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
	}
	text := "#!/bin/sh\nexec " + strings.Join(words, " ") + " --cgroup-manager=disabled \"$@\"\n"
	return path, os.WriteFile(path, []byte(text), 0o700)
}
