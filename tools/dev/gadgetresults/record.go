package gadgetresults

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// outcome is the part of kerneltest's result that counts here.
type outcome struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Machine struct {
		Release string `json:"release"`
	} `json:"machine"`
	Tests []test `json:"tests"`
}

// test is a Go test that ran in the machine.
type test struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Text     string `json:"text"`
	Verified []struct {
		Gadget  string `json:"gadget"`
		Program string `json:"program"`
		Usage
	} `json:"verified"`
}

// needs matches the output of a test that skips.
var needs = regexp.MustCompile(`(?m)^\w+\.go:\d+: (needs .*)$`)

// Record takes the result that kerneltest wrote for a machine, as tested with the
// sources in tree. Results of gadgets whose tests did not run stay.
func (r *Results) Record(tree fs.FS, data []byte) error {
	var o outcome
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	machine := o.Name[strings.LastIndex(o.Name, ":")+1:]
	if !machineName.MatchString(machine) {
		return fmt.Errorf("%q is not the name of a machine", machine)
	}
	if len(o.Tests) == 0 {
		return fmt.Errorf("machine %q ran no tests: %s", machine, o.Reason)
	}
	names, err := Gadgets(tree)
	if err != nil {
		return err
	}
	tests := map[string][]test{}
	for _, t := range o.Tests {
		if name := Of(t.Name, names); name != "" {
			tests[name] = append(tests[name], t)
		}
	}
	for name, ran := range tests {
		if r.Gadgets[name] == nil {
			r.Gadgets[name] = map[string]Result{}
		}
		result := summary(name, ran)
		if result.Sources, err = Sources(tree, name); err != nil {
			return err
		}
		r.Gadgets[name][machine] = result
	}
	r.Releases[machine] = o.Machine.Release
	for name := range r.Gadgets {
		if !slices.Contains(names, name) {
			delete(r.Gadgets, name)
		}
	}
	return nil
}

// summary combines the results of the tests of a gadget.
func summary(gadget string, tests []test) Result {
	r := Result{Status: Skip, Programs: map[string]Usage{}}
	for _, t := range tests {
		switch {
		case t.Status == Fail:
			r.Status = Fail
		case t.Status == Pass && r.Status == Skip && !strings.Contains(t.Name, "/"):
			r.Status = Pass
		}
		if t.Status == Skip {
			for _, m := range needs.FindAllStringSubmatch(t.Text, -1) {
				r.Needs = append(r.Needs, m[1])
			}
		}
		for _, v := range t.Verified {
			if v.Gadget == gadget {
				old := r.Programs[v.Program]
				r.Programs[v.Program] = Usage{max(old.Instructions, v.Instructions), max(old.Stack, v.Stack)}
			}
		}
	}
	slices.Sort(r.Needs)
	r.Needs = slices.Compact(r.Needs)
	return r
}

// Of returns the gadget that a test is for, the one with the longest name
// that begins the test's, or "".
func Of(test string, gadgets []string) string {
	found := ""
	for _, name := range gadgets {
		if len(name) > len(found) && strings.HasPrefix(strings.ToLower(test), "test"+plain(name)) {
			found = name
		}
	}
	return found
}

// Filter returns the regular expression of the tests of some gadgets.
func Filter(gadgets []string) string {
	var names []string
	for _, name := range gadgets {
		names = append(names, plain(path.Base(name)))
	}
	return "(?i)^Test(" + strings.Join(names, "|") + ")"
}

// plain returns a gadget's name as it is in those of tests, but for the case.
func plain(name string) string { return strings.ReplaceAll(name, "_", "") }
