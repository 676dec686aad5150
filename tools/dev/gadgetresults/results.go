// Package gadgetresults keeps what the last runs of the gadgets' tests on real
// kernels said: gadgets/results.json, of which docs/gadgets.md is written.
package gadgetresults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
)

// File is where the results are, below the root of the workspace.
const File = "gadgets/results.json"

// schema names the form of the file.
const schema = "rules_gadget.gadget-results/v1"

// The limits of a program that the kernel verifies.
const (
	MaxInstructions = 1_000_000
	MaxStack        = 512
)

// Results is what is known of all gadgets.
type Results struct {
	Schema   string                       `json:"schema"`
	Releases map[string]string            `json:"releases"` // of the kernel, by the machine's name: "amd64-6.1_btf"
	Gadgets  map[string]map[string]Result `json:"gadgets"`  // by the gadget's name, by the machine's name
}

// Result is the result of the tests of one gadget in one machine.
type Result struct {
	Status   string           `json:"status"`             // one of the constants
	Sources  string           `json:"sources"`            // what was tested, see Sources
	Needs    []string         `json:"needs,omitempty"`    // why tests, or parts of them, were skipped
	Programs map[string]Usage `json:"programs,omitempty"` // by the name of the function
}

// The ways in which the tests of a gadget end.
const (
	Pass = "pass"
	Skip = "skip" // all of them
	Fail = "fail"
)

// Usage is what the verifier counted for a program.
type Usage struct {
	Instructions int `json:"instructions"` // that it walked, over all paths
	Stack        int `json:"stack"`        // bytes
}

// machineName matches the name of a machine: arch, kernel, and whether that shows BTF.
var machineName = regexp.MustCompile(`^(amd64|arm64)-([0-9.]+|newest)_(btf|nobtf)$`)

// Load reads the results of a workspace; none where the file does not exist yet.
func Load(tree fs.FS) (*Results, error) {
	r := &Results{Releases: map[string]string{}, Gadgets: map[string]map[string]Result{}}
	data, err := fs.ReadFile(tree, File)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", File, err)
	}
	if r.Schema != schema {
		return nil, fmt.Errorf("reading %s: schema %q, want %q", File, r.Schema, schema)
	}
	for gadget, machines := range r.Gadgets {
		for machine := range machines {
			if !machineName.MatchString(machine) {
				return nil, fmt.Errorf("reading %s: gadget %q: %q is not the name of a machine", File, gadget, machine)
			}
		}
	}
	return r, nil
}

// Save writes the results of a workspace.
func (r *Results) Save(root string) error {
	data, err := r.encode()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, File), data, 0o644) // a source file
}

// encode returns the file: a line for each gadget and machine, so that changes can
// be read.
func (r *Results) encode() ([]byte, error) {
	var b bytes.Buffer
	releases, err := json.MarshalIndent(r.Releases, "  ", "  ")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\n  \"schema\": %q,\n  \"releases\": %s,\n  \"gadgets\": {", schema, releases)
	for i, gadget := range slices.Sorted(maps.Keys(r.Gadgets)) {
		fmt.Fprintf(&b, "%s\n    %q: {", comma(i), gadget)
		for j, machine := range slices.Sorted(maps.Keys(r.Gadgets[gadget])) {
			line, err := json.Marshal(r.Gadgets[gadget][machine])
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "%s\n      %q: %s", comma(j), machine, line)
		}
		b.WriteString("\n    }")
	}
	b.WriteString("\n  }\n}\n")
	return b.Bytes(), nil
}

// comma returns the separator before entry i of a list.
func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// Gadgets returns the names of all gadgets of a workspace, sorted.
func Gadgets(tree fs.FS) ([]string, error) {
	files, err := fs.Glob(tree, "gadgets/*/gadget.yaml")
	var names []string
	for _, file := range files {
		names = append(names, path.Base(path.Dir(file)))
	}
	return names, err
}
