package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
)

// result is the last attempt at one shard of a test target.
type result struct {
	label, status string
	passed        bool
	xml           string // path of test.xml, empty when the test left none
}

// outcome is what a Bazel run says about its targets.
type outcome struct {
	results  []result
	broken   []string // labels of targets that could not be built
	exitCode int
}

// event holds the fields of Bazel's build event protocol that matter here.
type event struct {
	ID struct {
		TestResult *struct {
			Label      string
			Run, Shard int
		}
		TargetCompleted *struct{ Label string }
	}
	TestResult *struct {
		Status           string
		TestActionOutput []struct{ Name, URI string }
	}
	Completed *struct{ Success bool }
	Aborted   *struct{ Reason string }
	Finished  *struct{ ExitCode struct{ Code int } }
}

// readEvents reads a file of --build_event_json_file: one JSON object a line.
func readEvents(r io.Reader) (outcome, error) {
	var out outcome
	broken := map[string]bool{}
	last := map[string]result{}
	finished := false
	for dec := json.NewDecoder(r); ; {
		var e event
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return out, fmt.Errorf("reading build events: %w", err)
		}
		switch {
		case e.ID.TestResult != nil && e.TestResult != nil:
			id := e.ID.TestResult
			last[fmt.Sprintf("%s %d %d", id.Label, id.Run, id.Shard)] = newResult(e)
		case e.ID.TargetCompleted != nil && (e.Aborted != nil || e.Completed != nil && !e.Completed.Success):
			if e.Aborted == nil || e.Aborted.Reason != "SKIPPED" {
				broken[e.ID.TargetCompleted.Label] = true
			}
		case e.Finished != nil:
			finished = true
			out.exitCode = e.Finished.ExitCode.Code
		}
	}
	if !finished {
		return out, errors.New("reading build events: the run did not finish")
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		out.results = append(out.results, last[key])
	}
	out.broken = slices.Sorted(maps.Keys(broken))
	return out, nil
}

func newResult(e event) result {
	r := result{label: e.ID.TestResult.Label, status: e.TestResult.Status}
	r.passed = r.status == "PASSED" || r.status == "FLAKY"
	for _, o := range e.TestResult.TestActionOutput {
		if o.Name != "test.xml" {
			continue
		}
		if u, err := url.Parse(o.URI); err == nil && u.Scheme == "file" {
			r.xml = u.Path
		}
	}
	return r
}
