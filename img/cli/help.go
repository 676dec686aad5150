package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// printHelp prints the help of img or of a command.
func printHelp(_ kong.HelpOptions, ctx *kong.Context) error {
	w := ctx.Stdout
	node := ctx.Selected()
	if node == nil {
		fmt.Fprintf(w, "img -  %s\n\nUsage: img [OPTIONS] COMMAND [ARG...]\n\n", description)
		printFlags(w, "Flags", ctx.Model.Node.Flags, func(*kong.Flag) bool { return true })
		printCommands(w, ctx.Model.Node)
		fmt.Fprintf(w, "\nUse \"img [command] --help\" for more information about a command.\n")
		return nil
	}
	fmt.Fprintf(w, "%s -  %s\n\nUsage: img %s\n\n", node.Name, node.Help, usage(node))
	own := append([]*kong.Flag{}, node.Flags...)
	help := *ctx.Model.HelpFlag
	help.Help = "help for " + node.Name
	printFlags(w, "Flags", append(own, &help), func(f *kong.Flag) bool { return true })
	fmt.Fprintln(w)
	printFlags(w, "Global Flags", ctx.Model.Node.Flags, func(f *kong.Flag) bool {
		return f.Group != nil && f.Group.Key == "global"
	})
	return nil
}

// usage is the line after "img".
func usage(node *kong.Node) string {
	parts := []string{node.Name, "[OPTIONS]"}
	for _, arg := range node.Positional {
		name := strings.ToUpper(arg.Name)
		if arg.Help != "" {
			name = arg.Help
		}
		if !arg.Required {
			name = "[" + name + "]"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, " ")
}

func printFlags(out io.Writer, title string, flags []*kong.Flag, want func(*kong.Flag) bool) {
	fmt.Fprintf(out, "%s:\n", title)
	w := tabwriter.NewWriter(out, 0, 4, 3, ' ', 0)
	for _, f := range flags {
		if f.Hidden || !want(f) {
			continue
		}
		name := "    "
		if f.Short != 0 {
			name = "-" + string(f.Short) + ", "
		}
		name += "--" + f.Name
		switch {
		case f.IsBool():
		case f.IsSlice():
			name += " list"
		default:
			name += " string"
		}
		help := f.Help
		if f.Default != "" && !f.IsBool() {
			help += fmt.Sprintf(" (default %q)", f.Default)
		}
		fmt.Fprintf(w, "  %s\t%s\n", name, help)
	}
	w.Flush()
}

func printCommands(out io.Writer, node *kong.Node) {
	fmt.Fprintf(out, "\nCommands:\n")
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	helped := false
	for _, c := range node.Children {
		if !helped && c.Name > "help" {
			fmt.Fprintf(w, "  help\tHelp about any command\n")
			helped = true
		}
		fmt.Fprintf(w, "  %s\t%s\n", c.Name, c.Help)
	}
	w.Flush()
}
