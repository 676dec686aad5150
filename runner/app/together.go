package app

import (
	"context"
	"io"
	"os"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/runcmd"
)

// streams are the standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// commandLine is a parser with the value that it fills.
type commandLine struct {
	streams
	value  reflect.Value
	parser *kong.Kong
}

// commandLine returns the parser of args, which begin with a command.
func (s streams) commandLine(args []string) (*commandLine, error) {
	value := narrow(reflect.TypeFor[commands](), args)
	parser, err := newParser(value.Interface(), s.out, s.err)
	return &commandLine{s, value, parser}, err
}

// globals returns the flags of every command.
func (l *commandLine) globals() globals {
	return l.value.Elem().FieldByName("Globals").Interface().(globals)
}

// run parses args and runs the command.
func (l *commandLine) run(ctx context.Context, args []string, rest runcmd.Rest) error {
	kctx, err := l.parser.Parse(args)
	if err != nil {
		return cli.Usage(usageHint(l.parser.Model, err, args))
	}
	flags := l.globals()
	err = kctx.Run(&cli.Globals{
		Ctx: ctx, Stdin: l.in, Stdout: l.out, Stderr: l.streams.err,
		State: cli.StateDir(flags.State, os.Geteuid(), os.Getenv), Verbose: flags.Verbose, Quiet: flags.Quiet,
	}, rest)
	if err != nil && ctx.Err() != nil && kctx.Selected().Name != "run" { // run itself recognizes a clean end
		return cli.ErrInterrupted
	}
	return err
}

// runTogether runs several gadgets as one; their command begins at args[first].
func runTogether(ctx context.Context, first int, list []runcmd.Invocation, s streams) error {
	return runcmd.Together(ctx, len(list), func(ctx context.Context, i int) (err error) {
		defer guard.Panics(&err)
		line, err := s.commandLine(list[i].Args[first:])
		if err != nil {
			return err
		}
		return line.run(ctx, list[i].Args, list[i].Rest)
	})
}
