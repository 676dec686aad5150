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

// judge says why the machine's report is not what was expected.
func (c *config) judge(res vm.Result) error {
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
	said := strings.Join(res.Stderr, "\n")
	for _, want := range c.ExpectStderr {
		if !strings.Contains(said, want) {
			errs = append(errs, fmt.Errorf("the gadget did not say %q on stderr", want))
		}
	}
	if len(errs) == 0 && res.Exit != 0 && res.Exit != exitInterrupted {
		errs = append(errs, fmt.Errorf("the gadget ended with exit code %d", res.Exit))
	}
	if len(errs) == 0 {
		return nil
	}
	errs = append(errs, fmt.Errorf("kernel %s; exit code %d; stderr:\n%s\nstandard output (%d lines):\n%s",
		res.Release, res.Exit, last(res.Stderr), len(res.Stdout), last(res.Stdout)))
	return errors.Join(errs...)
}

// exitInterrupted is how a gadget ends that was stopped by SIGINT.
const exitInterrupted = 130

// last returns the last lines of an output, each cut to a readable length.
func last(lines []string) string {
	var b strings.Builder
	for _, line := range lines[max(0, len(lines)-shownLines):] {
		if len(line) > shownLength {
			line = line[:shownLength] + "..."
		}
		b.WriteString("    " + line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// outcome is the machine-readable result.
type outcome struct {
	Status  string    `json:"status"` // "pass", "fail" or "skip"
	Reason  string    `json:"reason,omitempty"`
	Machine vm.Result `json:"machine"`
}

func status(err error) string {
	switch {
	case err == nil:
		return "pass"
	case errors.Is(err, errSkip):
		return "skip"
	}
	return "fail"
}

// writeResult writes the outcome as JSON.
func writeResult(file string, res vm.Result, err error) error {
	o := outcome{Status: status(err), Machine: res}
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
// skips, and writes the XML that Bazel asks for. A skip is not an error.
func report(w io.Writer, name string, res vm.Result, took time.Duration, err error) error {
	if werr := writeXML(name, took, err); werr != nil {
		return werr
	}
	seconds := fmt.Sprintf("(%.2fs)", took.Seconds())
	switch status(err) {
	case "pass":
		_, err = fmt.Fprintf(w, "--- PASS: %s %s\n    kernel %s: %d lines, all expected events\n", name, seconds, res.Release, len(res.Stdout))
		return err
	case "skip":
		reason := strings.TrimPrefix(err.Error(), errSkip.Error()+": ")
		_, err = fmt.Fprintf(w, "--- SKIP: %s %s\n    %s\n", name, seconds, reason)
		return err
	}
	fmt.Fprintf(w, "--- FAIL: %s %s\n", name, seconds)
	return err
}

// testsuites is the JUnit form of one test.
type testsuites struct {
	XMLName xml.Name  `xml:"testsuites"`
	Suite   testsuite `xml:"testsuite"`
}

type testsuite struct {
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Case     testcase `xml:"testcase"`
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

// writeXML writes the file that XML_OUTPUT_FILE names, if it does.
func writeXML(name string, took time.Duration, err error) error {
	file := os.Getenv("XML_OUTPUT_FILE")
	if file == "" {
		return nil
	}
	s := testsuite{Name: name, Tests: 1, Case: testcase{Name: name, Time: took.Seconds()}}
	switch status(err) {
	case "skip":
		s.Skipped, s.Case.Skipped = 1, &message{err.Error()}
	case "fail":
		s.Failures, s.Case.Failure = 1, &message{err.Error()}
	}
	data, err := xml.MarshalIndent(testsuites{Suite: s}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) // for Bazel
}
