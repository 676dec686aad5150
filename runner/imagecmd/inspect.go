package imagecmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// outputText is the form of the output that people read, templatePrefix begins
// the one that they write themselves.
const (
	outputText     = "text"
	templatePrefix = "template="
)

// templateFuncs are what templates for docker call too.
var templateFuncs = template.FuncMap{"json": func(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}}

// Inspect is "image inspect".
type Inspect struct {
	Image string `arg:"" name:"ref" help:"Reference in the store or in a registry, or a path."`
	artifact.RegistryFlags
	Remote   bool   `help:"Query the registry, even when the store has it; layers are not pulled."`
	Platform string `placeholder:"linux/ARCH" help:"Platform to show (default: this machine's)."`
	Output   string `short:"o" default:"text" placeholder:"text|json|yaml|template=T" help:"Format of the output; T is a Go template over what json shows, with Go's names."`
	Format   string `short:"f" placeholder:"T" help:"The same as -o template=T, as docker has it; also json."`

	foreignInspectFlags
}

// Run shows the artifact.
func (i *Inspect) Run(g *cli.Globals) error {
	show, err := i.printer(g)
	if err != nil {
		return cli.Usage(err)
	}
	want := arch.Host()
	if i.Platform != "" {
		if want, err = artifact.ParsePlatform(i.Platform); err != nil {
			return cli.Usage(err)
		}
	}
	src, err := artifact.Open(g, i.Image, i.RegistryFlags, i.Remote)
	if err != nil {
		return err
	}
	defer src.Release()
	about, err := inspect.Describe(g, src, want)
	if err != nil {
		return fmt.Errorf("inspecting %s: %w", src.Name, err)
	}
	return show(about)
}

// printer returns what writes the result in the form of --output.
func (i *Inspect) printer(g *cli.Globals) (func(*inspect.Report) error, error) {
	output := i.Output
	if i.Format != "" {
		if output != outputText {
			return nil, errors.New("--format and --output are mutually exclusive, use one")
		}
		if output = i.Format; output != show.JSON {
			output = templatePrefix + output
		}
	}
	if text, ok := strings.CutPrefix(output, templatePrefix); ok {
		t, err := template.New("output").Funcs(templateFuncs).Parse(text)
		if err != nil {
			return nil, err
		}
		return func(a *inspect.Report) error {
			if err := t.Execute(show.Safe(g.Stdout), a); err != nil {
				return err
			}
			return show.Line(g.Stdout, "")
		}, nil
	}
	switch output {
	case outputText:
		return func(a *inspect.Report) error { return a.Print(printable.NewWriter(g.Stdout)) }, nil
	case show.JSON, show.YAML:
		return func(a *inspect.Report) error { return show.Data(g.Stdout, output, a) }, nil
	}
	return nil, fmt.Errorf("unknown output %q, use text, json, yaml or template=T", output)
}
