// Command rulesdoc writes docs/rules.md, the reference of the public rules,
// from the docstrings in rules/. With --check it only compares.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "rulesdoc: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("rulesdoc", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "folder of the workspace")
	check := flags.Bool("check", false, "compare with the committed page, write nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	page, err := render(*root, "rules/defs.bzl")
	if err != nil {
		return err
	}
	path := filepath.Join(*root, "docs", "rules.md")
	if !*check {
		return os.WriteFile(path, page, 0o644)
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, page) {
		return errors.New("docs/rules.md is out of date, run go run ./tools/dev/rulesdoc")
	}
	return nil
}
