// Package compat draws the compatibility matrix of a gadget from its objects
// and btfgen's reports. Started without arguments by "bazel run", it prints
// the matrix that the build has drawn and prints the path of the page.
package compat

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/compat"
)

const doc = "Draws the compatibility matrix of a gadget: kernels against programs and relocations."

// Limits of inputs.
const (
	maxReport = 256 << 20
	maxObject = 64 << 20
	maxText   = 64 << 20
)

// Environment of "bazel run": runfiles paths of what the build has drawn.
const (
	envText = "GADGET_COMPAT_TEXT"
	envHTML = "GADGET_COMPAT_HTML"
	envJSON = "GADGET_COMPAT_JSON"
)

// flags is the command line.
type flags struct {
	Title  string   `default:"gadget" help:"What the matrix is of."`
	Object []string `sep:"none" help:"An object of the gadget; an empty file means none. Repeatable."`
	Report []string `sep:"none" help:"A report that btfgen wrote. Repeatable."`
	JSON   string   `name:"json" help:"File for the matrix as JSON."`
	HTML   string   `name:"html" help:"File for the matrix as a page."`
	Text   string   `help:"File for the matrix as text; stdout by default."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("compat", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 && os.Getenv(envText) != "" {
		return show(stdout, stderr)
	}
	var f flags
	if err := tool.Parse("compat", doc, &f, args, stdout); err != nil {
		return err
	}
	in, err := f.input()
	if err != nil {
		return err
	}
	return f.write(compat.Build(in), stdout)
}

// input reads the objects and reports.
func (f *flags) input() (compat.Input, error) {
	in := compat.Input{Title: f.Title}
	for _, path := range f.Object {
		data, err := action.ReadFile(path, maxObject)
		if err != nil {
			return in, err
		}
		obj, err := compat.ReadObject(filepath.Base(path), data)
		if err != nil {
			return in, err
		}
		in.Objects = append(in.Objects, obj)
	}
	for _, path := range f.Report {
		data, err := action.ReadFile(path, maxReport)
		if err != nil {
			return in, err
		}
		r, err := compat.ParseReport(data)
		if err != nil {
			return in, fmt.Errorf("reading %q: %w", path, err)
		}
		in.Reports = append(in.Reports, r)
	}
	return in, nil
}

// write writes the matrix in the requested formats.
func (f *flags) write(m compat.Matrix, stdout io.Writer) error {
	if f.JSON != "" {
		data, err := action.JSON(m)
		if err != nil {
			return err
		}
		if err := action.WriteFile(f.JSON, data); err != nil {
			return err
		}
	}
	if f.HTML != "" {
		var page bytes.Buffer
		if err := compat.WriteHTML(&page, m); err != nil {
			return err
		}
		if err := action.WriteFile(f.HTML, page.Bytes()); err != nil {
			return err
		}
	}
	if f.Text == "" {
		return compat.WriteText(stdout, m)
	}
	var text bytes.Buffer
	if err := compat.WriteText(&text, m); err != nil {
		return err
	}
	return action.WriteFile(f.Text, text.Bytes())
}

// show prints what the build has drawn.
func show(stdout, stderr io.Writer) error {
	path, err := tool.Runfile(os.Args[0], os.Getenv(envText), os.Getenv)
	if err != nil {
		return err
	}
	text, err := action.ReadFile(path, maxText)
	if err != nil {
		return err
	}
	if _, err := stdout.Write(text); err != nil {
		return err
	}
	for _, form := range []struct{ name, env string }{{"page", envHTML}, {"JSON", envJSON}} {
		if os.Getenv(form.env) == "" {
			continue
		}
		path, err := tool.Runfile(os.Args[0], os.Getenv(form.env), os.Getenv)
		if err != nil {
			return err
		}
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target // outlives the runfiles tree
		}
		fmt.Fprintf(stderr, "%s: %s\n", form.name, path)
	}
	return nil
}
