// Command btfarchive makes btfhub archives: it takes BTF out of kernel
// packages, kernel images, vmlinux files, raw BTF or the running kernel and
// writes <distro>/<version>/<arch>/<release>.btf.tar.xz. It also writes the lock
// file by which a Bazel workspace fetches archives.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// cli is the command line.
type cli struct {
	Add  add  `cmd:"" default:"withargs" help:"Make archives from kernels (the default)."`
	Lock lock `cmd:"" help:"Write a lock file of an archive directory, for btfhub.shard in a Bazel workspace."`
}

// add is the command that makes archives.
type add struct {
	Out       string    `name:"out" short:"o" placeholder:"DIR" help:"Archive directory to write to."`
	File      string    `name:"file" placeholder:"FILE" help:"Write the archive of the one input to this file, and to no directory."`
	Distro    string    `name:"distro" placeholder:"ID" help:"Distribution, as os-release's ID spells it. With --host, default: this host's."`
	Version   string    `name:"version" placeholder:"VERSION" help:"Version directory, such as 12 or bullseye. With --host, default: this host's."`
	Arch      string    `name:"arch" placeholder:"ARCH" help:"amd64 or arm64; needed for raw BTF, which does not name it."`
	Release   string    `name:"release" placeholder:"RELEASE" help:"What uname -r prints on that kernel; needed where the input does not name it. One input only."`
	Host      bool      `name:"host" help:"Also take the running kernel's BTF."`
	Pahole    string    `name:"pahole" default:"pahole" placeholder:"PATH" help:"pahole, to make BTF from a vmlinux that has only DWARF."`
	Force     bool      `name:"force" help:"Replace archives that exist; they are kept otherwise."`
	KeepGoing bool      `name:"keep-going" help:"With --file: write an empty file and warn when the input gives no BTF."`
	Inputs    []string  `arg:"" optional:"" name:"input" help:"Kernel packages (.deb), kernel images (vmlinuz, Image), vmlinux, or raw BTF."`
	arch      arch.Arch // parsed --arch
}

func main() { os.Exit(tool.Main("btfarchive", run)) }

// run executes the command of args.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var c cli
	exited := false
	parser, err := kong.New(&c, kong.Name("btfarchive"), kong.Writers(stdout, stderr),
		kong.Description("Make btfhub archives from kernels."), kong.Exit(func(int) { exited = true }))
	if err != nil {
		return err
	}
	args, err = action.Args(args)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil
	}
	if err != nil {
		return &tool.UsageError{Err: err}
	}
	if strings.HasPrefix(parsed.Command(), "lock") {
		return c.Lock.run(stdout)
	}
	if err := c.Add.check(); err != nil {
		return &tool.UsageError{Err: err}
	}
	if c.Add.File != "" {
		return c.Add.one(ctx, stderr)
	}
	return c.Add.archive(ctx, stdout, stderr)
}

// check looks at what kong cannot.
func (c *add) check() error {
	switch {
	case (c.Out == "") == (c.File == ""):
		return errors.New("give --out for a directory or --file for a file")
	case c.File != "" && (len(c.Inputs) != 1 || c.Host):
		return errors.New("--file is for one input")
	case c.File != "":
	case len(c.Inputs) == 0 && !c.Host:
		return errors.New("no input, name kernel packages or images, or use --host")
	case len(c.Inputs) > 0 && (c.Distro == "" || c.Version == ""):
		return errors.New("--distro and --version are needed, an image does not name them")
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

// one makes the archive of the one input.
func (c *add) one(ctx context.Context, stderr io.Writer) error {
	src, err := c.read(ctx, c.Inputs[0])
	var archive bytes.Buffer
	if err == nil {
		err = btfhub.WriteArchive(&archive, src.Release, src.btf)
	}
	if err != nil && c.KeepGoing {
		fmt.Fprintf(stderr, "btfarchive: %s: %v\n", c.Inputs[0], err)
		err = nil
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", c.Inputs[0], err)
	}
	return action.WriteFile(c.File, archive.Bytes())
}

// archive makes one archive for each input.
func (c *add) archive(ctx context.Context, stdout, stderr io.Writer) error {
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
