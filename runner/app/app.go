// Package app is the command line of gadget-run: which commands there are, how
// their arguments are read, and the commands that belong to no other package.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/containercmd"
	"github.com/rules-gadget/rules_gadget/runner/fleetcmd"
	"github.com/rules-gadget/rules_gadget/runner/imagecmd"
	"github.com/rules-gadget/rules_gadget/runner/runcmd"
)

// globals are the flags of every command.
type globals struct {
	State   string           `env:"GADGET_RUN_STATE" type:"path" placeholder:"DIR" help:"Directory of the store (default: ${env}, then /var/lib/gadget-run for root, ~/.local/share/gadget-run for others)." group:"global"`
	Verbose bool             `short:"v" aliases:"debug" help:"Print more about what happens." group:"global"`
	Quiet   bool             `short:"q" help:"Print data and errors only." group:"global"`
	Release kong.VersionFlag `name:"version" help:"Print the version and quit." group:"global"`
}

// commands is the command line of gadget-run.
type commands struct {
	Globals globals `embed:""`

	Run runcmd.Cmd `cmd:"" group:"gadgets" help:"Run a gadget."`

	ListContainers containercmd.List `cmd:"" group:"gadgets" help:"List the containers of this node."`

	Image  imagecmd.Image  `cmd:"" group:"images" help:"Manage gadgets in the store and in registries."`
	Lock   fleetcmd.Lock   `cmd:"" group:"images" help:"Resolve a list of gadgets to a lock file for many nodes."`
	Sync   fleetcmd.Sync   `cmd:"" group:"images" help:"Pull exactly the gadgets of a lock file."`
	Login  imagecmd.Login  `cmd:"" group:"registries" help:"Log in to a registry."`
	Logout imagecmd.Logout `cmd:"" group:"registries" help:"Log out of a registry."`

	Version    versionCmd    `cmd:"" group:"other" help:"Print the version and what this machine supports."`
	Doctor     doctorCmd     `cmd:"" group:"other" help:"Show what this machine can run, and a hint for what it cannot."`
	Completion completionCmd `cmd:"" group:"other" help:"Print the completion script for a shell."`
}

const description = `Run eBPF gadgets from OCI registries and layouts, and manage them.

Examples:

    gadget-run run registry.example/gadgets/trace_open:v1 --failed
    gadget-run run ./layout -o json --timeout 10s
    gadget-run image pull registry.example/gadgets/trace_open:v1

Exit codes: 0 done, 1 failed, 2 usage error, 130 interrupted.`

// exited is what kong panics with when it has printed help.
type exited struct{ code int }

// Run is gadget-run without the process: it parses args and runs the command.
// It ends early when ctx does. cli.ExitCode returns the exit code of the error.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	verbose := false
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
		var p *guard.PanicError
		if verbose && errors.As(err, &p) {
			fmt.Fprintf(stderr, "%s", p.Stack)
		}
	}()
	if args, err = withLayout(args); err != nil {
		return err
	}
	args = withForeign(args)
	first := leading(args)
	std := streams{stdin, stdout, cli.Serial(stderr)}
	line, err := std.commandLine(args[first:])
	if err != nil {
		return err
	}
	defer func() { verbose = line.globals().Verbose }()
	list, err := splitArgs(ctx, line.parser.Model, args, first, stdin)
	switch {
	case err != nil && ctx.Err() != nil: // while it read a manifest
		return cli.ErrInterrupted
	case err != nil:
		return err
	case len(list) > 1:
		return runTogether(ctx, first, list, std)
	}
	args = list[0].Args
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == helpCommand:
		args = append(args[1:], "--help")
	}
	return line.run(ctx, args, list[0].Rest)
}

// internalError is a panic that nothing expected.
type internalError struct{ guard.PanicError }

func (e *internalError) Error() string {
	return fmt.Sprintf("internal error: %v, please report it with the output of -v", e.Value)
}

func (e *internalError) Unwrap() error { return &e.PanicError }

// panicked returns the error of a panic: none when help was printed,
// else a fault of the program, which must never look like success.
func panicked(value any) error {
	e, ok := value.(exited)
	switch {
	case !ok:
		return &internalError{guard.PanicError{Value: value, Stack: debug.Stack()}}
	case e.code != 0:
		return cli.Usage(errors.New("usage error"))
	}
	return nil
}

// Model returns all commands and flags, for what documents or completes them.
func Model() (*kong.Application, error) {
	parser, err := newParser(&commands{}, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	return parser.Model, nil
}

// newParser returns the parser of a command line: *commands, or what narrow made.
func newParser(line any, stdout, stderr io.Writer) (*kong.Kong, error) {
	built, _ := debug.ReadBuildInfo()
	release, _ := identity(built)
	parser, err := kong.New(line,
		kong.Name("gadget-run"),
		kong.Description(description),
		kong.Vars{"version": "gadget-run " + release},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited{code}) }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Help(printHelp),
		kong.ExplicitGroups(groups),
	)
	if err != nil {
		return nil, err
	}
	help := parser.Model.HelpFlag
	help.Help, help.Group = "Show this help.", &groups[0]
	return parser, nil
}

// splitArgs sets the flags of the gadget apart when the command, which args[first]
// names, is "run", and adds the settings of a manifest.
func splitArgs(ctx context.Context, model *kong.Application, args []string, first int,
	stdin io.Reader,
) ([]runcmd.Invocation, error) {
	if first >= len(args) || args[first] != "run" {
		return []runcmd.Invocation{{Args: args}}, nil
	}
	flags := flagSet(model.Flags, child(model.Node, "run").Flags)
	ours, rest := runcmd.Split(args[first+1:], flags)
	list, err := runcmd.Invocations(ctx, ours, rest, stdin)
	for i := range list {
		list[i].Rest.CommandFlags = flags
		list[i].Args = slices.Concat(args[:first+1], list[i].Args)
	}
	return list, err
}

// layoutEnv holds the runfiles path of a layout. Bazel's :run targets set it.
const layoutEnv = "GADGET_RUN_LAYOUT"

// withLayout makes "run LAYOUT args" out of args when Bazel named a layout and
// args have no command.
func withLayout(args []string) ([]string, error) {
	path := os.Getenv(layoutEnv)
	if path == "" || len(args) > 0 && hasCommand(reflect.TypeFor[commands](), args[0]) {
		return args, nil
	}
	layout := path
	if !filepath.IsAbs(path) {
		var err error
		if layout, err = tool.Runfile(os.Args[0], path, os.Getenv); err != nil {
			return nil, err
		}
	}
	// A path is one by its spelling.
	layout, err := filepath.Abs(layout)
	return append([]string{"run", layout}, args...), err
}

func flagSet(lists ...[]*kong.Flag) runcmd.FlagSet {
	set := runcmd.FlagSet{}
	for _, flags := range lists {
		for _, f := range flags {
			plain := f.IsBool() || f.IsCounter()
			set["--"+f.Name] = plain
			if f.Short != 0 {
				set["-"+string(f.Short)] = plain
			}
			for _, a := range f.Aliases {
				set["--"+a] = plain
			}
		}
	}
	return set
}
