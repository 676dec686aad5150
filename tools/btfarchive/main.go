// Command btfarchive makes btfhub archives: it takes BTF out of kernel
// packages, kernel images, vmlinux files, raw BTF or the running kernel and
// writes <distro>/<version>/<arch>/<release>.btf.tar.xz.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// errUsage marks an error of the command line, for exit code 2.
var errUsage = errors.New("bad command line")

// cli is the command line.
type cli struct {
	Out     string    `name:"out" short:"o" required:"" placeholder:"DIR" help:"Archive folder to write to."`
	Distro  string    `name:"distro" placeholder:"ID" help:"Distribution, as os-release's ID spells it. With --host, default: this host's."`
	Version string    `name:"version" placeholder:"VERSION" help:"Version folder, such as 12 or bullseye. With --host, default: this host's."`
	Arch    string    `name:"arch" placeholder:"ARCH" help:"amd64 or arm64; needed for raw BTF, which does not tell."`
	Release string    `name:"release" placeholder:"RELEASE" help:"What uname -r prints on that kernel; needed where the input does not tell. One input only."`
	Host    bool      `name:"host" help:"Also take the running kernel's BTF."`
	Pahole  string    `name:"pahole" default:"pahole" placeholder:"PATH" help:"pahole, to make BTF from a vmlinux that has only DWARF."`
	Force   bool      `name:"force" help:"Replace archives that exist; they are kept otherwise."`
	Inputs  []string  `arg:"" optional:"" name:"input" help:"Kernel packages (.deb), kernel images (vmlinuz, Image), vmlinux, or raw BTF."`
	arch    arch.Arch // parsed --arch
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "btfarchive:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// run makes the archives that args ask for, prints the path of each to stdout
// and goes on after an input that fails.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c cli
	exited := false
	parser, err := kong.New(&c, kong.Name("btfarchive"), kong.Writers(stdout, stderr),
		kong.Description("Make btfhub archives from kernels."), kong.Exit(func(int) { exited = true }))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil && !exited {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if exited {
		return nil
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return c.archive(ctx, stdout, stderr)
}

// check looks at what kong cannot.
func (c *cli) check() error {
	switch {
	case len(c.Inputs) == 0 && !c.Host:
		return errors.New("no input, name kernel packages or images, or use --host")
	case len(c.Inputs) > 0 && (c.Distro == "" || c.Version == ""):
		return errors.New("--distro and --version are needed, an image does not tell them")
	case c.Release != "" && len(c.Inputs) > 1:
		return errors.New("--release is for one input, these would all get the same")
	}
	if c.Arch == "" {
		return nil
	}
	a, err := arch.Parse(c.Arch)
	c.arch = a
	return err
}

// archive makes one archive for each input.
func (c *cli) archive(ctx context.Context, stdout, stderr io.Writer) error {
	failed := 0
	try := func(name string, read func() (source, error)) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		src, err := read()
		var path string
		if err == nil {
			path, err = c.write(src)
		}
		if err != nil {
			failed++
			fmt.Fprintf(stderr, "btfarchive: %s: %v\n", name, err)
			return nil
		}
		_, err = fmt.Fprintln(stdout, path)
		return err
	}
	if c.Host {
		if err := try("running kernel", func() (source, error) { return c.host(os.DirFS("/")) }); err != nil {
			return err
		}
	}
	for _, input := range c.Inputs {
		if err := try(input, func() (source, error) { return c.read(ctx, input) }); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("making archives: %d inputs gave none", failed)
	}
	return nil
}
