// Package compat says on which kernels a gadget can work: it joins what
// btfgen found out about relocations with what the object requires of the kernel
// (program types, attach points, helpers, map types), and shows that as a
// matrix of kernels, as text, as JSON and as a page of HTML.
package compat

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Limits of a report.
const (
	maxReport      = 256 << 20
	maxRelocations = 100_000
	maxKernels     = 100_000
)

// reportSchema is the form of report that is understood.
const reportSchema = "rules_gadget.btfgen.report/v1"

// Report is what btfgen writes for some objects and the kernels of a shard.
type Report struct {
	Schema      string       `json:"schema"`
	Object      string       `json:"object"` // base names, with commas between several
	Arch        string       `json:"arch"`
	Relocations []Relocation `json:"relocations"`
	Kernels     []Kernel     `json:"kernels"`
}

// Relocation is one distinct relocation of the objects.
type Relocation struct {
	Program  string   `json:"program"`            // function of the first instruction that has it
	Programs []string `json:"programs,omitempty"` // all functions that have it, if known
	Kind     string   `json:"kind"`
	Type     string   `json:"type"`
	Access   string   `json:"access"`
	Source   string   `json:"source,omitempty"`
	Guarded  bool     `json:"guarded,omitempty"`
}

// Kernel is one kernel with one letter for each relocation: r for resolved, a
// for absent, m for ambiguous, e for an error.
type Kernel struct {
	Distro  string  `json:"distro"`
	Version string  `json:"version"`
	Arch    string  `json:"arch"`
	Release string  `json:"release"`
	Error   string  `json:"error"`
	Results letters `json:"results"`
}

// letters are results; a report may also have them as a list of words.
type letters string

// UnmarshalJSON implements json.Unmarshaler.
func (l *letters) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*l = letters(s)
		return nil
	}
	var words []string
	if err := json.Unmarshal(data, &words); err != nil {
		return errors.New("results must be a string of letters or a list of words")
	}
	out := make([]byte, len(words))
	for i, w := range words {
		switch w {
		case "resolved", "absent", "error":
			out[i] = w[0]
		case "ambiguous":
			out[i] = 'm'
		default:
			return fmt.Errorf("unknown result %q", w)
		}
	}
	*l = letters(out)
	return nil
}

// ParseReport reads and checks a report.
func ParseReport(data []byte) (Report, error) {
	if len(data) > maxReport {
		return Report{}, fmt.Errorf("reading a btfgen report: %d bytes, the limit is %d", len(data), maxReport)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("reading a btfgen report: %w", err)
	}
	if r.Schema != reportSchema {
		return Report{}, fmt.Errorf("reading a btfgen report: schema %q, want %q", r.Schema, reportSchema)
	}
	if len(r.Relocations) > maxRelocations || len(r.Kernels) > maxKernels {
		return Report{}, fmt.Errorf("reading a btfgen report: %d relocations and %d kernels are too many", len(r.Relocations),
			len(r.Kernels))
	}
	for _, k := range r.Kernels {
		if err := k.check(len(r.Relocations)); err != nil {
			return Report{}, fmt.Errorf("reading a btfgen report: kernel %s: %w", k.Release, err)
		}
	}
	return r, nil
}

// check refuses results that do not fit the relocations.
func (k Kernel) check(n int) error {
	if k.Error != "" {
		return nil
	}
	if len(k.Results) != n {
		return fmt.Errorf("%d results for %d relocations", len(k.Results), n)
	}
	for _, c := range []byte(k.Results) {
		if c != 'r' && c != 'a' && c != 'm' && c != 'e' {
			return fmt.Errorf("unknown result %q", c)
		}
	}
	return nil
}
