package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// shortcut is what a program can be built without.
type shortcut struct {
	name     string // of the table
	file     string // of the source, in the workspace
	old, new string // what the file has once, and what it has without the shortcut
}

var shortcuts = []shortcut{
	{
		"without narrow", "runner/app/narrow.go",
		"func narrow(all reflect.Type, args []string) reflect.Value {\n",
		"func narrow(all reflect.Type, args []string) reflect.Value {\n\treturn reflect.New(all)\n",
	},
}

// program is a gadget-run.
type program struct {
	without string // the shortcut that it lacks, "" for none
	path    string
}

// buildAll builds gadget-run in dir, as it is and without each shortcut.
func buildAll(ctx context.Context, dir string) ([]program, error) {
	all := []program{{"", filepath.Join(dir, "gadget-run")}}
	if err := build(ctx, all[0].path); err != nil {
		return nil, err
	}
	for i, s := range shortcuts {
		overlay, err := s.overlay(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return nil, err
		}
		p := program{s.name, filepath.Join(dir, fmt.Sprintf("gadget-run-%d", i))}
		if err := build(ctx, p.path, "-overlay="+overlay); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// build makes a program. It is written again, since how the linker maps what it
// writes decides how fast its pages come: by some milliseconds of each start.
func build(ctx context.Context, output string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", output}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./runner")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	data, err := os.ReadFile(output)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(output), os.WriteFile(output, data, 0o700))
}

// overlay writes the file without the shortcut below base, and what the compiler must
// know of it.
func (s shortcut) overlay(base string) (string, error) {
	source, err := os.ReadFile(s.file)
	if err != nil {
		return "", fmt.Errorf("%w, run it in the directory of the workspace", err)
	}
	if n := strings.Count(string(source), s.old); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, change the table of shortcuts", s.file, s.old, n)
	}
	original, err := filepath.Abs(s.file)
	if err != nil {
		return "", err
	}
	changed := base + ".go"
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), s.old, s.new, 1)), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	return base + ".json", os.WriteFile(base+".json", list, 0o600)
}
