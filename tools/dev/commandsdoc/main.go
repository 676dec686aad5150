// Command commandsdoc writes docs/commands.md, the reference of gadget-run's
// commands, from the command line's own description of itself. With --check it
// only compares.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/runner/app"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "commandsdoc: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("commandsdoc", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "folder of the workspace")
	check := flags.Bool("check", false, "compare with the committed page, write nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	model, err := app.Model()
	if err != nil {
		return err
	}
	page, err := render(model)
	if err != nil {
		return err
	}
	path := filepath.Join(*root, "docs", "commands.md")
	if !*check {
		return os.WriteFile(path, page, 0o644)
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, page) {
		return errors.New("docs/commands.md is out of date, run go run ./tools/dev/commandsdoc")
	}
	return nil
}
