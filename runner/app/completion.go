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
func (c completionCmd) Run(g *cli.Globals, model *kong.Application) error {
	nodes := completions(model.Node, nil)
	switch c.Shell {
	case "zsh":
		// zsh runs completions of bash through its own emulation.
		fmt.Fprint(g.Stdout, "#compdef gadget-run\nautoload -U +X bashcompinit && bashcompinit\n")
		writeBash(g.Stdout, nodes)
	case "fish":
		writeFish(g.Stdout, nodes)
	default:
		writeBash(g.Stdout, nodes)
	}
	return nil
}

// completion is what may follow one command.
type completion struct {
	path  []string // words of the command, empty for the program itself
	words []*kong.Node
	flags []*kong.Flag
}

// completions returns what may follow each command below n.
func completions(n *kong.Node, path []string) []completion {
	c := completion{path: path}
	for _, group := range n.AllFlags(true) {
		c.flags = append(c.flags, group...)
	}
	var below []completion
	for _, child := range n.Children {
		if child.Type != kong.CommandNode || child.Hidden {
			continue
		}
		c.words = append(c.words, child)
		below = append(below, completions(child, append(append([]string{}, path...), child.Name))...)
	}
	return append([]completion{c}, below...)
}

// writeBash writes a function that looks the words before the cursor up, the
// flags among them left out, and completes what may follow; where a command
// takes an argument, files.
func writeBash(w io.Writer, nodes []completion) {
	fmt.Fprint(w, `_gadget_run() {
    local cur="${COMP_WORDS[COMP_CWORD]}" path="" word words=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$word" in -*) ;; *) path="$path $word" ;; esac
    done
    case "${path# }" in
`)
	for i := len(nodes) - 1; i >= 0; i-- {
		c := nodes[i]
		var words []string
		for _, n := range c.words {
			words = append(words, n.Name)
		}
		for _, f := range c.flags {
			words = append(words, "--"+f.Name)
		}
		pattern := `""`
		if len(c.path) > 0 {
			pattern = `"` + strings.Join(c.path, " ") + `"*`
		}
		fmt.Fprintf(w, "        %s) words=%q ;;\n", pattern, strings.Join(words, " "))
	}
	fmt.Fprint(w, `    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _gadget_run gadget-run
`)
}

func writeFish(w io.Writer, nodes []completion) {
	for _, c := range nodes {
		condition := "__fish_use_subcommand"
		if len(c.path) > 0 {
			condition = "__fish_seen_subcommand_from " + c.path[len(c.path)-1]
		}
		for _, n := range c.words {
			fmt.Fprintf(w, "complete -c gadget-run -n %s -a %s -d %s\n", quote(condition), n.Name, quote(n.Help))
		}
		for _, f := range c.flags {
			short := ""
			if f.Short != 0 {
				short = " -s " + string(f.Short)
			}
			fmt.Fprintf(w, "complete -c gadget-run -n %s -l %s%s -d %s\n", quote(condition), f.Name, short, quote(f.Help))
		}
	}
}

// quote quotes s for fish.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
