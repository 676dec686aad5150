package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

// Go finds the Go toolchain of this machine.
type Go struct {
	// Path is what the user named: the program go, or the directory above its
	// bin, or PinnedGoName; empty means the one of GOROOT, else the one in PATH,
	// else the pinned one.
	Path string
	// Pinned returns the directory of the pinned toolchain, or why none exists;
	// PinnedIdentity says which it is without getting it, empty for none.
	Pinned         func(ctx context.Context) (string, error)
	PinnedIdentity string
	// Cache is the directory for what it compiled before.
	Cache string
	// Getenv gives GOROOT.
	Getenv func(string) string
}

// Toolchain returns the Go toolchain, with the directories that it reports.
func (g Go) Toolchain(ctx context.Context) (assemble.GoToolchain, error) {
	program, err := g.program()
	if errors.Is(err, errPinned) {
		program, err = g.pinned(ctx)
	}
	if err != nil {
		return assemble.GoToolchain{}, err
	}
	lines, err := g.ask(ctx, program, "GOROOT", "GOMODCACHE")
	if err != nil {
		return assemble.GoToolchain{}, err
	}
	return assemble.GoToolchain{Root: lines[0], ModCache: lines[1], Cache: g.Cache}, nil
}

// Identity says which Go toolchain it is; empty if none exists.
func (g Go) Identity(ctx context.Context) string {
	program, err := g.program()
	if errors.Is(err, errPinned) {
		return g.PinnedIdentity
	}
	if err != nil {
		return ""
	}
	lines, err := g.ask(ctx, program, "GOVERSION", "GOROOT")
	if err != nil {
		return ""
	}
	return strings.Join(lines, " ")
}

// errPinned means that the pinned toolchain is to be used.
var errPinned = errors.New("the pinned Go toolchain is used")

// pinned returns the program go of the pinned toolchain.
func (g Go) pinned(ctx context.Context) (string, error) {
	const advice = "install Go 1.24 or newer, name it with --go, or name a .wasm file"
	if g.Pinned == nil {
		return "", errors.New("PATH has no Go toolchain, " + advice)
	}
	root, err := g.Pinned(ctx)
	if errors.Is(err, ErrNoProxy) && g.Path == "" {
		return "", fmt.Errorf("PATH has no Go toolchain, and %w; or %s", err, advice)
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "bin", "go"), nil
}

// program returns the path of the program go, errPinned for that of the pinned
// toolchain.
func (g Go) program() (string, error) {
	switch {
	case g.Path == PinnedGoName:
		return "", errPinned
	case g.Path != "":
		if info, err := os.Stat(g.Path); err == nil && info.IsDir() {
			return runnable(filepath.Join(g.Path, "bin", "go"), "--go")
		}
		return runnable(g.Path, "--go")
	case g.Getenv("GOROOT") != "":
		return runnable(filepath.Join(g.Getenv("GOROOT"), "bin", "go"), "GOROOT")
	}
	path, err := exec.LookPath("go")
	if err != nil {
		return "", errPinned
	}
	return path, nil
}

// runnable returns path if it is a program; from is what named it.
func runnable(path, from string) (string, error) {
	found, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("looking for the Go toolchain that %s names: %w", from, err)
	}
	return filepath.Abs(found)
}

// ask returns the values that program has for variables.
func (g Go) ask(ctx context.Context, program string, names ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, program, append([]string{"env"}, names...)...)
	cmd.Dir = os.TempDir() // no go.mod there requires another version
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off")
	if g.Path != "" {
		cmd.Env = append(cmd.Env, "GOROOT=") // of another one
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking %q for its directories: %w", program, err)
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(names) || lines[0] == "" {
		return nil, fmt.Errorf("asking %q for its directories: it is not a Go toolchain", program)
	}
	return lines, nil
}

// Cargo finds Rust's cargo: the one that CARGO names, else the one in PATH.
func Cargo(getenv func(string) string) (string, error) {
	name := "cargo"
	if v := getenv("CARGO"); v != "" {
		name = v
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errors.New("PATH has no cargo, install Rust with the target wasm32-wasip1, set CARGO, or name a " +
			".wasm file")
	}
	return path, nil
}
