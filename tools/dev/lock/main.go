// Lock rewrites the lock files of toolchain/lock from a Debian mirror and a Go module proxy, and the kernel headers of
// toolchain/vmlinux from unpacked kernels. It is run by hand when a version is to change; builds only read what it
// wrote.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/debian"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

const (
	fetchTimeout  = 10 * time.Minute
	debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

type commandLine struct {
	Workspace  string `help:"Root of the workspace." env:"BUILD_WORKSPACE_DIRECTORY" default:"." type:"path"`
	Mirror     string `help:"Base URL of a Debian mirror; default: $DEBIAN_MIRROR, then this machine's apt sources."`
	Keyring    string `help:"Keyring of gpgv that the suites are signed with." default:"${keyring}" type:"path"`
	Unverified bool   `help:"Do not verify the signatures of the suites."`

	LLVM       packagesCommand `cmd:"" name:"llvm" help:"Rewrite toolchain/lock/llvm.json."`
	Libbpf     packagesCommand `cmd:"" help:"Rewrite toolchain/lock/libbpf.json."`
	Linux      packagesCommand `cmd:"" help:"Rewrite toolchain/lock/linux.json."`
	OCIRuntime packagesCommand `cmd:"" name:"oci-runtime" help:"Rewrite toolchain/lock/oci_runtime.json."`
	TestTools  packagesCommand `cmd:"" help:"Rewrite toolchain/lock/test_tools.json."`
	Go         goCommand       `cmd:"" help:"Write toolchain/lock/go.json, with the go command."`
	Vmlinux    vmlinuxCommand  `cmd:"" help:"Write toolchain/vmlinux/vmlinux.tar.xz and its lock."`
}

type packagesCommand struct {
	Names []string `arg:"" optional:"" help:"Bundles to lock again; default: all."`
}

func main() { os.Exit(tool.Main("lock", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var cli commandLine
	helped := false
	parser, err := kong.New(&cli, kong.Name("lock"), kong.Writers(stdout, stderr), kong.Vars{"keyring": debianKeyring},
		kong.Description("Rewrites the lock files of the toolchain."), kong.Exit(func(int) { helped = true }))
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
	switch parsed.Selected().Name {
	case "go":
		return cli.Go.run(ctx, cli.Workspace)
	case "llvm":
		return cli.relock(ctx, "llvm", cli.LLVM.Names, stderr)
	case "libbpf":
		return cli.relock(ctx, "libbpf", cli.Libbpf.Names, stderr)
	case "linux":
		return cli.relock(ctx, "linux", cli.Linux.Names, stderr)
	case "oci-runtime":
		return cli.relock(ctx, "oci_runtime", cli.OCIRuntime.Names, stderr)
	case "test-tools":
		return cli.relock(ctx, "test_tools", cli.TestTools.Names, stderr)
	default:
		return cli.Vmlinux.run(ctx, cli.Workspace)
	}
}

func (c *commandLine) relock(ctx context.Context, file string, names []string, log io.Writer) error {
	directory := filepath.Join(c.Workspace, "toolchain", "lock")
	wanted, err := lockfile.ReadWanted(filepath.Join(directory, "wanted.json"))
	if err != nil {
		return err
	}
	archive, err := c.archive()
	if err != nil {
		return err
	}
	l := &locker{archive: archive, log: log}
	return l.relock(ctx, filepath.Join(directory, file+".json"), wanted[file], names)
}

func (c *commandLine) archive() (*debian.Archive, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	mirror := c.Mirror
	if mirror == "" {
		if mirror, err = debian.Mirror("/etc/apt"); err != nil {
			return nil, err
		}
	}
	keyring := c.Keyring
	if c.Unverified {
		keyring = ""
	} else if _, err := exec.LookPath("gpgv"); err != nil {
		return nil, fmt.Errorf("verifying signatures: %w, install gpgv or pass --unverified", err)
	}
	return &debian.Archive{
		Mirror:  mirror,
		Cache:   filepath.Join(cache, "rules_gadget", "lock"),
		Keyring: keyring,
		Client:  &http.Client{Timeout: fetchTimeout},
	}, nil
}
