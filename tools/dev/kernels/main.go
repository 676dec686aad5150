// Command kernels keeps the lock file of the kernels that tests boot
// (internal/vm/kernels.json): refresh writes the newest of each kind that the
// mirror has, fetch gets the packages into a directory.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/compat"
	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/vm"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/debian"
)

const (
	fetchTimeout  = 10 * time.Minute
	debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	newest        = "newest" // name of the kernel that may be of any series
	minSize       = 1 << 20  // what is smaller is a package that only depends on others
)

type commandLine struct {
	Workspace string `help:"Root of the workspace." env:"BUILD_WORKSPACE_DIRECTORY" default:"." type:"path"`
	Mirror    string `help:"Base URL of a Debian mirror; default: $DEBIAN_MIRROR, then this machine's apt sources."`
	Keyring   string `help:"Keyring of gpgv that the suites are signed with." default:"${keyring}" type:"path"`

	Refresh struct{} `cmd:"" help:"Rewrite the lock file with the newest kernels of the mirror."`
	Fetch   struct {
		Out string `required:"" type:"path" help:"Directory for the packages, ARCH-NAME.deb each, and ARCH-NAME_modules.deb where the modules have their own."`
	} `cmd:"" help:"Fetch the locked packages; reports those that the mirror no longer has."`
}

func main() { os.Exit(tool.Main("kernels", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var cli commandLine
	helped := false
	parser, err := kong.New(&cli, kong.Name("kernels"), kong.Writers(stdout, stderr), kong.Vars{"keyring": debianKeyring},
		kong.Description("Keeps the lock file of the kernels that tests boot."), kong.Exit(func(int) { helped = true }))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return &tool.UsageError{Err: err}
	}
	file := filepath.Join(cli.Workspace, "internal", "vm", "kernels.json")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	cache, err := os.MkdirTemp("", "kernels")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	archive, err := cli.archive(cache)
	if err != nil {
		return err
	}
	if parsed.Selected().Name == "fetch" {
		return cli.fetch(ctx, archive, data, stdout)
	}
	return refresh(ctx, archive, file, data)
}

// archive returns the mirror to work with.
func (c *commandLine) archive(cache string) (*debian.Archive, error) {
	mirror := c.Mirror
	if mirror == "" {
		var err error
		if mirror, err = debian.Mirror("/etc/apt"); err != nil {
			return nil, err
		}
	}
	return &debian.Archive{
		Mirror: strings.TrimSuffix(mirror, "/"), Cache: cache, Keyring: c.Keyring,
		Client: &http.Client{Timeout: fetchTimeout},
	}, nil
}

// refresh rewrites the lock file. The old one is read without its checks, so
// that an entry of name, suite and arch alone adds a kernel.
func refresh(ctx context.Context, archive *debian.Archive, file string, data []byte) error {
	var lock vm.Kernels
	if err := json.Unmarshal(data, &lock); err != nil {
		return fmt.Errorf("reading %q: %w", file, err)
	}
	for i, k := range lock.Kernels {
		index, err := archive.Index(ctx, k.Suite, k.Arch)
		if err != nil {
			return err
		}
		if lock.Kernels[i], err = pick(index.Packages(), k); err != nil {
			return err
		}
	}
	out, err := json.MarshalIndent(lock, "", "  ")
	if err != nil {
		return err
	}
	if _, err := vm.ParseKernels(out); err != nil {
		return err
	}
	return os.WriteFile(file, append(out, '\n'), 0o644) // a source file
}

// packageName matches the packages that hold a signed cloud kernel; from 6.19
// on that is linux-binary.
var packageName = regexp.MustCompile(`^linux-(?:image|binary)-([0-9].*-cloud-[a-z0-9]+)$`)

// modulesPrefix begins the name of the package that has the modules of a
// linux-binary; a linux-image has them itself.
const modulesPrefix = "linux-modules-"

// pick returns the newest kernel of the wanted series.
func pick(packages []*debian.Package, want vm.LockedKernel) (vm.LockedKernel, error) {
	best := vm.LockedKernel{}
	for _, p := range packages {
		m := packageName.FindStringSubmatch(p.Name)
		if m == nil || p.Size < minSize || !strings.HasSuffix(m[1], "-"+want.Arch) {
			continue
		}
		release, ok := feature.ParseRelease(m[1])
		if !ok || want.Name != newest && release.String() != want.Name {
			continue
		}
		if best.Release == "" || compat.Compare(best.Release, m[1]) < 0 {
			best = vm.LockedKernel{
				Name: want.Name, Suite: want.Suite, Arch: want.Arch, Release: m[1], Version: p.Version, LockedPackage: locked(p),
			}
		}
	}
	if best.Release == "" {
		return best, fmt.Errorf("suite %q has no cloud kernel %q for %s", want.Suite, want.Name, want.Arch)
	}
	for _, p := range packages {
		if p.Name == modulesPrefix+best.Release {
			best.Modules = new(locked(p))
		}
	}
	return best, nil
}

func locked(p *debian.Package) vm.LockedPackage {
	return vm.LockedPackage{Path: p.Path, SHA256: p.SHA256, Size: p.Size}
}

// fetch copies the locked packages into a directory.
func (c *commandLine) fetch(ctx context.Context, archive *debian.Archive, data []byte, stdout io.Writer) error {
	lock, err := vm.ParseKernels(data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Fetch.Out, 0o755); err != nil {
		return err
	}
	var missing []error
	for _, k := range lock.Kernels {
		packages := map[string]vm.LockedPackage{k.Key(): k.LockedPackage}
		if k.Modules != nil {
			packages[k.Key()+"_modules"] = *k.Modules
		}
		for _, name := range slices.Sorted(maps.Keys(packages)) {
			p := packages[name]
			file, err := archive.Fetch(ctx, p.Path, debian.Sum{SHA256: p.SHA256, Size: p.Size})
			if err != nil {
				missing = append(missing, fmt.Errorf("kernel %s: %w, refresh may find another", k.Key(), err))
				continue
			}
			out := filepath.Join(c.Fetch.Out, name+".deb")
			if err := os.Rename(file, out); err != nil {
				return err
			}
			fmt.Fprintln(stdout, out)
		}
	}
	return errors.Join(missing...)
}
