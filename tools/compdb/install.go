package compdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

const installDoc = "Puts how gadgets are compiled into compile_commands.json. Entries of other files stay."

// Environment variables of a gadget_compile_commands target: the runfiles path of a
// JSON list of the runfiles paths of what the actions wrote, and the workspace.
const (
	envList      = "GADGET_COMPDB_LIST"
	envWorkspace = "BUILD_WORKSPACE_DIRECTORY"
)

// Limits of what is read.
const (
	maxList     = 8 << 20
	maxDatabase = 256 << 20
)

// installFlags is the command line under "bazel run".
type installFlags struct {
	Out string `help:"File to write; compile_commands.json in the workspace's root by default."`
}

// install writes the commands of all gadgets of the list.
func install(args []string, list string, stdout, stderr io.Writer) error {
	var f installFlags
	if err := tool.Parse("compdb", installDoc, &f, args, stdout); err != nil {
		return err
	}
	workspace := os.Getenv(envWorkspace)
	if workspace == "" {
		return fmt.Errorf("%s is not set, start it with \"bazel run\"", envWorkspace)
	}
	if f.Out == "" {
		f.Out = filepath.Join(workspace, "compile_commands.json")
	}
	commands, err := installed(list, workspace)
	if err != nil {
		return err
	}
	existing, err := action.ReadFile(f.Out, maxDatabase)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	merged, err := merge(existing, commands)
	if err != nil {
		return fmt.Errorf("reading %q: %w, remove it", f.Out, err)
	}
	if err := action.WriteFile(f.Out, merged); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "wrote %d commands to %s\n", len(commands), f.Out)
	return nil
}

// installed reads what the actions wrote, and makes its paths good in the workspace.
func installed(list, workspace string) ([]command, error) {
	var names []string
	if _, err := readRunfile(list, &names); err != nil {
		return nil, err
	}
	all := []command{}
	for _, name := range names {
		var commands []command
		file, err := readRunfile(name, &commands)
		if err != nil {
			return nil, err
		}
		p, err := newPlaces(file, workspace)
		if err != nil {
			return nil, err
		}
		for _, c := range commands {
			all = append(all, p.command(c))
		}
	}
	return all, nil
}

// readRunfile reads a JSON file of the runfiles and returns its real path.
func readRunfile(name string, into any) (string, error) {
	file, err := tool.Runfile(os.Args[0], name, os.Getenv)
	if err != nil {
		return "", err
	}
	if file, err = filepath.EvalSymlinks(file); err != nil {
		return "", err
	}
	data, err := action.ReadFile(file, maxList)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return "", fmt.Errorf("reading %q: %w", file, err)
	}
	return file, nil
}

// places are where the paths of the execution root lead to. The root itself is not
// one of them: which repositories it has depends on what was built last.
type places struct {
	workspace     string
	executionRoot string
	outputBase    string
}

// newPlaces finds the execution root by a file that an action wrote.
func newPlaces(output, workspace string) (places, error) {
	root, _, ok := strings.Cut(output, "/bazel-out/")
	if parent := filepath.Dir(root); ok && filepath.Base(parent) == "execroot" {
		return places{workspace: workspace, executionRoot: root, outputBase: filepath.Dir(parent)}, nil
	}
	return places{}, fmt.Errorf("%q is not in Bazel's output directory, start it with \"bazel run\"", output)
}

func (p places) command(c command) command {
	args := make([]string, len(c.Arguments))
	for i, arg := range c.Arguments {
		if dir, ok := strings.CutPrefix(arg, "-I"); ok {
			args[i] = "-I" + p.path(dir)
		} else {
			args[i] = p.path(arg)
		}
	}
	return command{Directory: p.workspace, File: p.path(c.File), Arguments: args}
}

// path returns where a path of the execution root leads to: into the workspace, as it
// is, or to what Bazel fetched or built.
func (p places) path(name string) string {
	switch root, _, _ := strings.Cut(strings.TrimPrefix(name, "./"), "/"); root {
	case "external":
		return filepath.Join(p.outputBase, name)
	case "bazel-out":
		return filepath.Join(p.executionRoot, name)
	}
	return name
}

// merge replaces the entries of a compile_commands.json for the files of commands.
func merge(existing []byte, commands []command) ([]byte, error) {
	ours := map[string]bool{}
	for _, c := range commands {
		ours[c.path()] = true
	}
	all := []any{}
	if len(existing) > 0 {
		var others []json.RawMessage
		if err := json.Unmarshal(existing, &others); err != nil {
			return nil, err
		}
		for _, raw := range others {
			var c struct{ Directory, File string }
			if err := json.Unmarshal(raw, &c); err != nil {
				return nil, err
			}
			if !ours[(command{Directory: c.Directory, File: c.File}).path()] {
				all = append(all, raw)
			}
		}
	}
	for _, c := range commands {
		all = append(all, c)
	}
	return encode(all)
}

// path is the absolute path of the file that the entry is for.
func (c command) path() string {
	if filepath.IsAbs(c.File) {
		return filepath.Clean(c.File)
	}
	return filepath.Join(c.Directory, c.File)
}

func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}
