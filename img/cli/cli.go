// Package cli is the command line of img.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/img/rootless"
)

const description = "Standalone, daemon-less, unprivileged Dockerfile and OCI compatible container image builder"

// Streams are the program's files.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// commands are img's commands, in the order of the help.
type commands struct {
	Globals

	Build   buildCmd   `cmd:"" help:"Build an image from a Dockerfile"`
	Du      duCmd      `cmd:"" help:"Show image disk usage."`
	Login   loginCmd   `cmd:"" help:"Log in to a Docker registry."`
	Logout  logoutCmd  `cmd:"" help:"Log out from a Docker registry."`
	Ls      lsCmd      `cmd:"" help:"List images and digests."`
	Prune   pruneCmd   `cmd:"" help:"Prune and clean up the build cache."`
	Pull    pullCmd    `cmd:"" help:"Pull an image or a repository from a registry."`
	Push    pushCmd    `cmd:"" help:"Push an image or a repository to a registry."`
	Rm      rmCmd      `cmd:"" help:"Remove one or more images."`
	Save    saveCmd    `cmd:"" help:"Save an image to a tar archive (streamed to STDOUT by default)."`
	Tag     tagCmd     `cmd:"" help:"Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE."`
	Unpack  unpackCmd  `cmd:"" help:"Unpack an image to a rootfs directory."`
	Version versionCmd `cmd:"" help:"Show the version information."`
}

// Globals are the flags of every command.
type Globals struct {
	Backend string           `short:"b" default:"auto" enum:"auto,native,overlayfs,fuse-overlayfs" help:"backend for snapshots ([auto native overlayfs fuse-overlayfs])" group:"global"`
	Debug   bool             `short:"d" help:"enable debug logging" group:"global"`
	State   string           `short:"s" default:"${state}" type:"path" placeholder:"string" help:"directory to hold the global state" group:"global"`
	Release kong.VersionFlag `name:"version" short:"v" help:"Print version information and quit"`

	Streams `kong:"-"`
}

// note prints something in addition to the result.
func (g *Globals) note(line string) { fmt.Fprintf(g.Err, "img: %s\n", line) }

// usageError is an error in how the program was called.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exited is what kong panics with when it has printed help or the version.
type exited struct{ code int }

// Main runs img and returns its exit code: 0 done, 1 failed, 2 usage error,
// 130 interrupted.
func Main(ctx context.Context, args []string, std Streams) (code int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			code = e.code
		default:
			panic(e)
		}
	}()
	logrus.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	code, err := run(ctx, args, std)
	if err == nil {
		return code
	}
	if ctx.Err() != nil {
		fmt.Fprintln(std.Err, "img: interrupted")
		return 130
	}
	fmt.Fprintf(std.Err, "img: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func run(ctx context.Context, args []string, std Streams) (int, error) {
	line := &commands{}
	parser, err := newParser(line, std)
	if err != nil {
		return 0, err
	}
	kctx, err := parser.Parse(withHelp(args))
	if err != nil {
		return 0, usageError{usageHint(err)}
	}
	line.Streams = std
	if line.Debug {
		logrus.SetLevel(logrus.DebugLevel)
		logrus.SetOutput(std.Err)
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	kctx.Bind(&line.Globals)
	inside, ok := kctx.Selected().Target.Addr().Interface().(stateCommand)
	if !ok {
		return 0, kctx.Run()
	}
	spec, err := inside.spec(&line.Globals)
	if err != nil {
		return 0, err
	}
	if !rootless.Inside() {
		return rootless.Run(spec)
	}
	if err := rootless.EnterNamespaces(); err != nil {
		return 0, err
	}
	return 0, kctx.Run()
}

// stateCommand is a command that works on the state, inside of the user namespace.
type stateCommand interface {
	// spec checks the flags and says what the inside needs.
	spec(g *Globals) (rootless.Spec, error)
}

// onState is a command that works on the state and runs no steps.
type onState struct{}

func (onState) spec(*Globals) (rootless.Spec, error) {
	return rootless.Spec{Note: func(string) {}}, nil
}

// withHelp turns "help [COMMAND]" and nothing at all into --help.
func withHelp(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(append([]string{}, args[1:]...), "--help")
	}
	return args
}

func newParser(line *commands, std Streams) (*kong.Kong, error) {
	parser, err := kong.New(line,
		kong.Name("img"), kong.Description(description),
		kong.Vars{"version": "img " + release(), "state": stateDir(os.Getenv)},
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(code int) { panic(exited{code}) }),
		kong.Help(printHelp),
		kong.ExplicitGroups([]kong.Group{{Key: "global", Title: "Global Flags:"}}),
	)
	if err != nil {
		return nil, err
	}
	parser.Model.HelpFlag.Help = "help for img"
	return parser, nil
}

// stateDir is where the state is by default.
func stateDir(getenv func(string) string) string {
	data := getenv("XDG_DATA_HOME")
	if data == "" {
		data = filepath.Join(getenv("HOME"), ".local", "share")
	}
	return filepath.Join(data, "img")
}

// release is the version that this program was built as.
func release() string {
	built, ok := debug.ReadBuildInfo()
	if !ok || built.Main.Version == "" || strings.HasPrefix(built.Main.Version, "(") {
		return "development"
	}
	return built.Main.Version
}
