// Package metadata writes what gadget.yaml lacks of the object: data sources,
// fields and parameters. It is the executable of :metadata targets, which name
// the files in the environment, and works by flags as well.
package metadata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

const doc = "Writes what gadget.yaml lacks of the object. Comments, order and unknown keys stay."

// Environment variables of a :metadata target: a runfiles path, and a path in
// the workspace whose root the third one holds.
const (
	envObject    = "GADGET_METADATA_OBJECT"
	envOut       = "GADGET_METADATA_OUT"
	envWorkspace = "BUILD_WORKSPACE_DIRECTORY"
)

// flags is the command line.
type flags struct {
	Object   string `help:"The object."`
	Existing string `help:"The gadget.yaml to complete; that of --out by default."`
	Name     string `help:"Name of the gadget in a new file; that of the directory by default."`
	Out      string `help:"File to write; stdout by default."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("metadata", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("metadata", doc, &f, args, stdout); err != nil {
		return err
	}
	if err := f.complete(os.Getenv); err != nil {
		return err
	}
	object, err := action.ReadFile(f.Object, gadget.MaxObject)
	if err != nil {
		return fmt.Errorf("reading object: %w", err)
	}
	if len(object) == 0 {
		fmt.Fprintln(stderr, "the gadget has no program, its metadata lack nothing")
		return nil
	}
	existing, err := readExisting(f.Existing)
	if err != nil {
		return err
	}
	updated, err := gadget.UpdateMetadata(existing, object, f.Name)
	if err != nil {
		return err
	}
	if f.Out == "" {
		_, err := stdout.Write(updated)
		return err
	}
	if bytes.Equal(existing, updated) && f.Existing == f.Out {
		fmt.Fprintf(stderr, "%s lacks nothing\n", f.Out)
		return nil
	}
	if err := action.WriteFile(f.Out, updated); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "wrote %s\n", f.Out)
	return nil
}

// complete fills the flags that are not given from the environment.
func (f *flags) complete(getenv func(string) string) error {
	if f.Object == "" && getenv(envObject) != "" {
		object, err := tool.Runfile(os.Args[0], getenv(envObject), getenv)
		if err != nil {
			return err
		}
		f.Object = object
		if f.Out == "" {
			f.Out = filepath.Join(getenv(envWorkspace), filepath.FromSlash(getenv(envOut)))
		}
	}
	if f.Object == "" {
		return &tool.UsageError{Err: errors.New("missing flags: --object=STRING")}
	}
	if f.Existing == "" {
		f.Existing = f.Out
	}
	if f.Name == "" {
		f.Name = "gadget"
		if abs, err := filepath.Abs(f.Out); err == nil && f.Out != "" {
			f.Name = filepath.Base(filepath.Dir(abs))
		}
	}
	return nil
}

// readExisting returns the content of name, nothing when it is not there.
func readExisting(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	data, err := action.ReadFile(name, gadget.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	return data, nil
}
