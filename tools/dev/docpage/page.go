// Package docpage is the command line of the programs that write pages of docs/.
package docpage

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// Main writes what render returns to docs/page, below the directory that the flag
// --root names, or with --check compares it with what is there. program is the
// name of the program's directory in tools/dev.
func Main(program, page string, render func(root string) ([]byte, error)) {
	if err := run(program, page, os.Args[1:], render); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		os.Exit(1)
	}
}

func run(program, page string, args []string, render func(root string) ([]byte, error)) error {
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	root := flags.String("root", ".", "directory of the workspace")
	check := flags.Bool("check", false, "compare with the committed page, write nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	data, err := render(*root)
	if err != nil {
		return err
	}
	path := filepath.Join(*root, "docs", page)
	if !*check {
		return os.WriteFile(path, data, 0o644)
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, data) {
		return fmt.Errorf("docs/%s is out of date, run go run ./tools/dev/%s", page, program)
	}
	return nil
}
