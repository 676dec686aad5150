package app

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// completionCmd is "gadget-run completion SHELL".
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help explains where the script goes.
func (completionCmd) Help() string {
	return `Examples:

    source <(gadget-run completion bash)
    gadget-run completion zsh > "${fpath[1]}/_gadget-run"
    gadget-run completion fish > ~/.config/fish/completions/gadget-run.fish`
}

// Run prints the script.
func (c completionCmd) Run(g *cli.Globals) error {
	model, err := Model()
	if err != nil {
		return err
	}
	write := map[string]func(io.Writer, []completion) error{"bash": writeBash, "zsh": writeZsh, "fish": writeFish}
	return write[c.Shell](g.Stdout, completions(model.Node, nil))
}

// completion is what may follow one command. All three scripts go through the
// words of the line: a word that names a command below the last one is the new
// command, any other is a value and changes nothing.
type completion struct {
	place string   // "/image/list", or "" for the program itself
	calls []string // how the command is called there: "/image/list", "/image/ls"
	words []candidate
	flags []completedFlag
}

// candidate is a word with its description.
type candidate struct{ word, help string }

// completedFlag is a flag with its values, if these are known.
type completedFlag struct {
	names  []string // "--output", "-o"
	help   string
	takes  bool // a value
	values []string
}

// completions returns what may follow each command at n and below it.
func completions(n *kong.Node, path []string) []completion {
	c := completion{place: place(path)}
	if len(path) > 0 {
		for _, name := range append([]string{n.Name}, n.Aliases...) {
			c.calls = append(c.calls, place(append(path[:len(path)-1:len(path)-1], name)))
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			c.flags = append(c.flags, completeFlag(f))
		}
	}
	for _, a := range n.Positional {
		for _, value := range values(a) {
			c.words = append(c.words, candidate{value, a.Help})
		}
	}
	var below []completion
	for _, child := range n.Children {
		if child.Type != kong.CommandNode || child.Hidden {
			continue
		}
		c.words = append(c.words, candidate{child.Name, child.Help})
		below = append(below, completions(child, append(path[:len(path):len(path)], child.Name))...)
	}
	return append([]completion{c}, below...)
}

func place(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return "/" + strings.Join(path, "/")
}

func completeFlag(f *kong.Flag) completedFlag {
	c := completedFlag{
		names: []string{"--" + f.Name}, help: f.Help, takes: !f.IsBool() && !f.IsCounter(), values: values(f.Value),
	}
	if f.Short != 0 {
		c.names = append(c.names, "-"+string(f.Short))
	}
	return c
}

func values(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return strings.Split(v.Enum, ",")
}

// quote quotes s for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// cases writes the arms of a case, each of which sets the place.
func cases(w io.Writer, nodes []completion, arm string) {
	for _, c := range nodes {
		if len(c.calls) > 0 {
			fmt.Fprintf(w, arm, strings.Join(c.calls, "|"), c.place)
		}
	}
}
