// Command matrix runs the tests of the gadgets on the pinned kernels, in virtual
// machines, and writes their results to gadgets/results.json and docs/gadgets.md.
//
//	go run ./tools/dev/matrix                  every gadget on every kernel
//	go run ./tools/dev/matrix --changed        gadgets whose programs changed, on the kernels of every change
//	go run ./tools/dev/matrix --check          changes nothing, fails where --changed has something to do
//	go run ./tools/dev/matrix --record FILE... results of kerneltest that are there already
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/vm"
	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "matrix: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("matrix", flag.ContinueOnError)
	root := flags.String("root", ".", "directory of the workspace")
	changed := flags.Bool("changed", false, "only gadgets that changed, only the kernels of every change")
	check := flags.Bool("check", false, "fail where gadgets changed, run nothing")
	record := flags.Bool("record", false, "take the results of kerneltest that the arguments name, run nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tree := os.DirFS(*root)
	results, err := gadgetresults.Load(tree)
	if err != nil {
		return err
	}
	if *record {
		return take(ctx, *root, results, flags.Args())
	}
	outdated, err := results.Outdated(tree)
	if err != nil {
		return err
	}
	switch {
	case *check && len(outdated) > 0:
		return fmt.Errorf("the programs of %s changed since they ran on %s, run go run ./tools/dev/matrix --changed",
			strings.Join(outdated, ", "), strings.Join(gadgetresults.Always, " and "))
	case *check || *changed && len(outdated) == 0:
		return nil
	}
	machines, options := gadgetresults.Always, []string{"--test_filter=" + gadgetresults.Filter(outdated)}
	if !*changed {
		options = nil
		if machines, err = allMachines(tree); err != nil {
			return err
		}
	}
	files, runErr := test(ctx, *root, machines, append(options, flags.Args()...))
	return errors.Join(runErr, take(ctx, *root, results, files))
}

// take adds result files of kerneltest to the results and writes them.
func take(ctx context.Context, root string, results *gadgetresults.Results, files []string) error {
	var errs []error
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil {
			err = results.Record(os.DirFS(root), data)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading the result %q: %w", file, err))
		}
	}
	if err := results.Save(root); err != nil {
		return err
	}
	return errors.Join(append(errs, command(ctx, root, "go", "run", "./tools/dev/gadgetsdoc").Run())...)
}

// allMachines returns the names of the machines of the whole matrix.
func allMachines(tree fs.FS) ([]string, error) {
	data, err := fs.ReadFile(tree, "internal/vm/kernels.json")
	if err != nil {
		return nil, err
	}
	lock, err := vm.ParseKernels(data)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range lock.Kernels {
		names = append(names, k.Key()+"_btf", k.Key()+"_nobtf")
	}
	return names, nil
}

// test runs machines and returns the files with their results.
func test(ctx context.Context, root string, machines, options []string) ([]string, error) {
	info := command(ctx, root, "./bazelw", "info", "bazel-testlogs")
	info.Stdout = nil
	out, err := info.Output()
	if err != nil {
		return nil, fmt.Errorf("asking Bazel for the directory of test logs: %w", err)
	}
	args := []string{"test", "--keep_going", "--nocache_test_results", "--zip_undeclared_test_outputs=false"}
	args = append(args, options...)
	var files []string
	for _, name := range machines {
		file := filepath.Join(strings.TrimSpace(string(out)), "gadgets", name, "test.outputs", "result.json")
		args = append(args, "//gadgets:"+name)
		files = append(files, file)
	}
	start := time.Now()
	errs := []error{command(ctx, root, "./bazelw", args...).Run()}
	files = slices.DeleteFunc(files, func(file string) bool {
		info, err := os.Stat(file)
		old := err == nil && info.ModTime().Before(start.Truncate(time.Second))
		if old {
			errs = append(errs, fmt.Errorf("the result %q is that of an earlier run", file))
		}
		return old
	})
	return files, errors.Join(errs...)
}

// command is a command in the workspace whose output is this one's.
func command(ctx context.Context, root, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stdout, os.Stderr
	return cmd
}
