package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// groups are the titles in the help, of commands and of flags.
var groups = []kong.Group{
	{Key: "global", Title: "Global flags:"},

	{Key: "gadgets", Title: "Run gadgets:"},
	{Key: "images", Title: "Manage gadgets:"},
	{Key: "registries", Title: "Registries:"},
	{Key: "other", Title: "Other commands:"},

	{Key: "transfer", Title: "Bring artifacts in and out:"},
	{Key: "store", Title: "Artifacts:"},
	{Key: "trust", Title: "Trust:"},
	{Key: "space", Title: "The store:"},

	{Key: "Gadget", Title: "Gadget:"},
	{Key: "Output", Title: "Output:"},
	{Key: "Containers", Title: "Containers:"},
	{Key: "Runtimes", Title: "Container runtimes:"},
	{Key: "Trust", Title: "Trust:"},
	{Key: "Registry", Title: "Registry:"},
}

// printHelp is kong's help with the flags that all commands have at the end.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	out := ctx.Stdout
	defer func() { ctx.Stdout = out }()
	var text bytes.Buffer
	options.WrapUpperBound = cli.TerminalWidth(out) // kong sees no terminal in text
	ctx.Stdout = &text
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	parts := strings.Split(strings.TrimRight(text.String(), "\n"), "\n\n")
	slices.SortStableFunc(parts, func(a, b string) int { return rank(a) - rank(b) })
	_, err := io.WriteString(out, strings.Join(parts, "\n\n")+"\n")
	return err
}

// rank is how far at the end of the help a part belongs.
func rank(part string) int {
	switch {
	case strings.HasPrefix(part, groups[0].Title):
		return 1
	case strings.HasPrefix(part, `Run "gadget-run`):
		return 2
	}
	return 0
}

// helpCommand is an alias of --help, as other programs have it.
const helpCommand = "help"

// foreignNames are commands of docker, podman, img and ig that have another name here.
var foreignNames = map[string]string{
	"images": "image list", "rmi": "image rm", "ps": "list-containers", "cp": "image copy", "attach": "run",
}

// usageHint adds to an error of the command line where the help is, and which
// command was meant.
func usageHint(model *kong.Application, err error, args []string) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("%w, see gadget-run --help", err)
	}
	at := model.Node
	if selected := parse.Context.Selected(); selected != nil {
		at = selected
	}
	err = userError(err, at)
	text, meant, _ := strings.Cut(err.Error(), ", did you mean ")
	switch other := meantCommand(model, at, args); {
	case other != "" && !strings.HasPrefix(text, unknownFlagPrefix):
		return fmt.Errorf("%s, did you mean \"gadget-run %s\"?", text, other)
	case meant != "":
		return err
	case at == model.Node && len(args) > 0:
		if _, typo := nearest.Typo(args[0], []string{helpCommand}); typo {
			return fmt.Errorf("%s, did you mean \"gadget-run %s\"?", text, helpCommand)
		}
	}
	command := strings.TrimSpace("gadget-run " + strings.Join(words(at), " "))
	return fmt.Errorf("%w, see %s --help", err, command)
}

// userError replaces messages in kong's terms of a parser by ones in the user's terms.
func userError(err error, at *kong.Node) error {
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, unknownFlagPrefix); ok {
		flag, _, _ := strings.Cut(rest, ", did you mean ")
		return unknownFlag(flag, at)
	}
	if flag, ok := withoutValue(text); ok {
		return fmt.Errorf("%s needs a value", flag)
	}
	if name, ok := strings.CutPrefix(text, "unexpected argument "); ok && len(at.Children) > 0 {
		return fmt.Errorf("unknown command %s", name)
	}
	if list, ok := strings.CutPrefix(text, "expected one of "); ok {
		return fmt.Errorf("missing command, one of %s", list)
	}
	if argument, ok := strings.CutPrefix(text, "expected \""); ok {
		return fmt.Errorf("missing argument %s", strings.TrimSuffix(argument, "\""))
	}
	if argument, rest, ok := strings.Cut(text, ": stat "); ok && strings.HasSuffix(rest, noSuchFile) {
		return fmt.Errorf("%s: %q does not exist", argument, strings.TrimSuffix(rest, noSuchFile))
	}
	return err
}

const unknownFlagPrefix = "unknown flag "

// unknownFlag is the error for a flag that the command lacks.
func unknownFlag(flag string, at *kong.Node) error {
	var names []string
	for _, flags := range at.AllFlags(true) {
		for _, f := range flags {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	name, long := strings.CutPrefix(flag, "--")
	if meant, ok := cli.MeantFlag(name, names); long && ok {
		return fmt.Errorf("%s%s, did you mean --%s?", unknownFlagPrefix, flag, meant)
	}
	return fmt.Errorf("%s%s", unknownFlagPrefix, flag)
}

// noSuchFile is the end of the error about a path that does not exist.
var noSuchFile = ": " + unix.ENOENT.Error()

// withoutValue returns the last flag if it lacks its value, which kong
// reports in terms of its parser.
func withoutValue(text string) (flag string, ok bool) {
	flag, what, found := strings.Cut(text, ": ")
	return flag, found && (strings.HasSuffix(what, `"EOL" (<EOL>)`) ||
		strings.HasPrefix(what, "missing value, expecting "))
}

// words are the names that lead to a command.
func words(n *kong.Node) []string {
	if n.Parent == nil {
		return nil
	}
	return append(words(n.Parent), n.Name)
}

// meantCommand returns the command that was called without "image", or by the
// name that another program has for it.
func meantCommand(model *kong.Application, at *kong.Node, args []string) string {
	if at != model.Node {
		return ""
	}
	for _, arg := range args {
		meant := foreignNames[arg]
		if meant == "" {
			meant = "image " + arg
		}
		n := model.Node
		for _, name := range strings.Fields(meant) {
			n = child(n, name)
		}
		if n.Parent != nil {
			return strings.Join(words(n), " ")
		}
	}
	return ""
}

// child returns the command below n that has the name, else one without
// anything.
func child(n *kong.Node, name string) *kong.Node {
	for _, c := range n.Children {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c
		}
	}
	return &kong.Node{}
}
