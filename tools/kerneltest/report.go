package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/vm"
)

// How much of a gadget's output an error repeats.
const (
	shownLines  = 20
	shownLength = 300
)

// check explains why the machine's report is not what was expected.
func (c *config) check(res vm.Result) error {
	var errs []error
	for _, e := range res.Errors {
		errs = append(errs, errors.New(e))
	}
	for _, e := range res.Missing {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		errs = append(errs, fmt.Errorf("no event matches %s", text))
	}
	stderr := strings.Join(res.Stderr, "\n")
	for _, want := range c.ExpectStderr {
		if !strings.Contains(stderr, want) {
			errs = append(errs, fmt.Errorf("the gadget did not print %q to stderr", want))
		}
	}
	switch {
	case len(errs) > 0 || res.Exit == 0:
	case len(c.Test) > 0:
		errs = append(errs, fmt.Errorf("tests failed in the machine: %s", strings.Join(failed(goTests(res.Stdout)), ", ")))
	case res.Exit != exitInterrupted:
		errs = append(errs, fmt.Errorf("the gadget ended with exit code %d", res.Exit))
	}
	if len(errs) == 0 {
		return nil
	}
	shown := shownLines
	if len(c.Test) > 0 {
		shown = len(res.Stdout)
	}
	errs = append(errs, fmt.Errorf("kernel %s; exit code %d; stderr:\n%s\nstandard output (%d lines):\n%s",
		res.Release, res.Exit, last(res.Stderr, shownLines), len(res.Stdout), last(res.Stdout, shown)))
	return errors.Join(errs...)
}

// exitInterrupted is how a gadget ends that was stopped by SIGINT.
const exitInterrupted = 130

// last returns the last n lines of an output, each cut to a readable length.
func last(lines []string, n int) string {
	var b strings.Builder
	for _, line := range lines[max(0, len(lines)-n):] {
		if len(line) > shownLength {
			line = line[:shownLength] + "..."
		}
		b.WriteString("    " + line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// outcome is the machine-readable result.
type outcome struct {
	Name    string    `json:"name"`
	Status  string    `json:"status"` // "pass", "fail" or "skip"
	Reason  string    `json:"reason,omitempty"`
	Machine vm.Result `json:"machine"`
	Tests   []goTest  `json:"tests,omitempty"` // those in the machine
}

// The three ways a test ends.
const (
	passed  = "pass"
	failure = "fail"
	skipped = "skip"
)

func status(err error) string {
	switch {
	case err == nil:
		return passed
	case errors.Is(err, errSkip):
		return skipped
	}
	return failure
}

// writeResult writes the outcome as JSON.
func writeResult(file, name string, res vm.Result, err error) error {
	o := outcome{Name: name, Tests: goTests(res.Stdout), Status: status(err), Machine: res}
	if err != nil {
		o.Reason = err.Error()
	}
	data, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) // a report for everyone
}

// report prints the outcome in the form of Go's tests, which is what counts
// skips, and writes the XML that Bazel requires. A skip is not an error.
func report(w io.Writer, name string, res vm.Result, took time.Duration, err error) error {
	tests := goTests(res.Stdout)
	if werr := writeXML(name, took, tests, err); werr != nil {
		return werr
	}
	seconds := fmt.Sprintf("(%.2fs)", took.Seconds())
	switch status(err) {
	case passed:
		if _, err := fmt.Fprintf(w, "--- PASS: %s %s\n", name, seconds); err != nil || len(tests) == 0 {
			return errors.Join(err, printf(w, "    kernel %s: %d lines, all expected events\n", res.Release, len(res.Stdout)))
		}
		return printf(w, "    kernel %s: %d tests, %d of them skipped\n", res.Release, len(tests), count(tests, skipped))
	case skipped:
		reason := strings.TrimPrefix(err.Error(), errSkip.Error()+": ")
		_, err = fmt.Fprintf(w, "--- SKIP: %s %s\n    %s\n", name, seconds, reason)
		return err
	}
	fmt.Fprintf(w, "--- FAIL: %s %s\n", name, seconds)
	return err
}

// printf is fmt.Fprintf for those who want the error alone.
func printf(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}

// testsuites is the JUnit form of one test, and of those in the machine.
type testsuites struct {
	XMLName xml.Name  `xml:"testsuites"`
	Suite   testsuite `xml:"testsuite"`
}

type testsuite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Name    string   `xml:"name,attr"`
	Time    float64  `xml:"time,attr"`
	Failure *message `xml:"failure"`
	Skipped *message `xml:"skipped"`
}

type message struct {
	Text string `xml:"message,attr"`
}

// add appends a case.
func (s *testsuite) add(name, status, text string, took float64) {
	c := testcase{Name: name, Time: took}
	switch status {
	case skipped:
		s.Skipped, c.Skipped = s.Skipped+1, &message{text}
	case failure:
		s.Failures, c.Failure = s.Failures+1, &message{text}
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}

// writeXML writes the file that XML_OUTPUT_FILE names, if it does.
func writeXML(name string, took time.Duration, tests []goTest, err error) error {
	file := os.Getenv("XML_OUTPUT_FILE")
	if file == "" {
		return nil
	}
	s := testsuite{Name: name}
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.add(name, status(err), text, took.Seconds())
	for _, t := range tests {
		s.add(t.Name, t.Status, t.Text, t.Seconds)
	}
	data, err := xml.MarshalIndent(testsuites{Suite: s}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) // for Bazel
}
