package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// shared are the groups of flags that several commands have, by their key. They
// are described once.
var shared = []struct{ key, title, link string }{
	{"global", "Global flags", "[global flags](#global-flags)"},
	{"Registry", "Registry flags", "[registry flags](#registry-flags)"},
}

// render returns the page for every command below app. A command, argument or
// flag without help, and a command without examples, is an error.
func render(app *kong.Application) ([]byte, error) {
	p := &page{groups: map[string][]*kong.Flag{}}
	fmt.Fprintf(&p.body, "# Commands of %s\n\n<!-- Written by tools/dev/commandsdoc from the command line itself. -->\n",
		app.Name)
	about, examples := split(app.Help)
	p.text(about)
	p.examples(examples)
	p.collect(app.Node)
	if err := p.command(app.Node, nil); err != nil {
		return nil, err
	}
	for _, g := range shared {
		if len(p.groups[g.key]) == 0 {
			continue
		}
		fmt.Fprintf(&p.body, "\n## %s\n", g.title)
		if err := p.flags(p.groups[g.key]); err != nil {
			return nil, err
		}
	}
	return p.body.Bytes(), nil
}

// page is the page as far as it is written.
type page struct {
	body   bytes.Buffer
	groups map[string][]*kong.Flag // the shared ones
}

// collect gathers the shared flags of all commands, each once.
func (p *page) collect(n *kong.Node) {
	for _, f := range n.Flags {
		key := group(f)
		same := func(have *kong.Flag) bool { return have.Name == f.Name }
		if !f.Hidden && isShared(key) && !slices.ContainsFunc(p.groups[key], same) {
			p.groups[key] = append(p.groups[key], f)
		}
	}
	for _, c := range n.Children {
		p.collect(c)
	}
}

func group(f *kong.Flag) string {
	if f.Group == nil {
		return ""
	}
	return f.Group.Key
}

func isShared(key string) bool {
	return slices.ContainsFunc(shared, func(g struct{ key, title, link string }) bool { return g.key == key })
}

// command writes what n is, unless it only holds commands, and all below it.
func (p *page) command(n *kong.Node, path []string) error {
	if len(n.Children) == 0 {
		if err := p.leaf(n, path); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(path, " "), err)
		}
	}
	for _, c := range n.Children {
		if c.Hidden {
			continue
		}
		if err := p.command(c, append(slices.Clone(path), c.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) leaf(n *kong.Node, path []string) error {
	about, examples := split(n.Detail)
	if n.Help == "" || len(examples) == 0 {
		return fmt.Errorf("it needs help and examples")
	}
	fmt.Fprintf(&p.body, "\n## %s\n\n`%s`\n", strings.Join(path, " "), usage(n, path))
	p.text(n.Help)
	if len(n.Aliases) > 0 {
		p.text("Also called `" + strings.Join(n.Aliases, "`, `") + "`.")
	}
	p.text(about)
	p.examples(examples)
	if len(n.Positional) > 0 {
		fmt.Fprint(&p.body, "\n| argument | meaning |\n|---|---|\n")
	}
	for _, a := range n.Positional {
		if a.Help == "" {
			return fmt.Errorf("the argument %s has no help", a.Name)
		}
		fmt.Fprintf(&p.body, "| `%s` | %s |\n", cell(a.Summary()), cell(a.Help))
	}
	var own []*kong.Flag
	links := map[string]bool{"global": true}
	for _, f := range n.Flags {
		if key := group(f); isShared(key) {
			links[key] = true
		} else if !f.Hidden {
			own = append(own, f)
		}
	}
	if err := p.flags(own); err != nil {
		return err
	}
	var also []string
	for _, g := range shared {
		if links[g.key] {
			also = append(also, g.link)
		}
	}
	slices.Reverse(also)
	p.text("Also the " + strings.Join(also, " and the ") + ".")
	return nil
}

func usage(n *kong.Node, path []string) string {
	words := append([]string{"gadget-run"}, path...)
	for _, f := range n.Flags {
		if f.Required {
			words = append(words, flagName(f))
		}
	}
	for _, a := range n.Positional {
		words = append(words, a.Summary())
	}
	return strings.Join(words, " ")
}

// flags writes a table.
func (p *page) flags(all []*kong.Flag) error {
	if len(all) == 0 {
		return nil
	}
	fmt.Fprint(&p.body, "\n| flag | default | meaning |\n|---|---|---|\n")
	for _, f := range all {
		if f.Help == "" {
			return fmt.Errorf("the flag --%s has no help", f.Name)
		}
		value := ""
		if f.HasDefault {
			value = "`" + cell(f.Default) + "`"
		}
		help := f.Help
		if len(f.Aliases) > 0 {
			help += " Also called `--" + strings.Join(f.Aliases, "`, `--") + "`."
		}
		fmt.Fprintf(&p.body, "| `%s` | %s | %s |\n", cell(flagName(f)), value, cell(help))
	}
	return nil
}

// flagName is how the flag is written, with what follows it.
func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Tag.Negatable != "" {
		name = "--[no-]" + f.Name
	}
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	if f.IsBool() || f.IsCounter() {
		return name
	}
	value := f.PlaceHolder
	switch {
	case f.Enum != "":
		value = strings.ReplaceAll(f.Enum, ",", "|")
	case value == "":
		value = strings.ToUpper(f.Name)
	}
	return name + "=" + value
}

// split parts a help text from the indented examples at its end.
func split(help string) (about string, examples []string) {
	about, rest, _ := strings.Cut(help, "Examples:\n")
	about = strings.TrimSpace(about)
	for line := range strings.Lines(rest) {
		switch line = strings.TrimRight(line, "\n"); {
		case strings.HasPrefix(line, "    "):
			examples = append(examples, strings.TrimSpace(line))
		case line != "":
			about += "\n\n" + line
		}
	}
	return about, examples
}

func (p *page) text(s string) {
	if s != "" {
		fmt.Fprintf(&p.body, "\n%s\n", s)
	}
}

func (p *page) examples(lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(&p.body, "\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
	}
}

// cell makes one line of text fit for a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}
