package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"os"
	"path"
	"strings"
)

// testCase is one case of a test.xml.
type testCase struct {
	name, message   string
	failed, skipped bool
}

type xmlCase struct {
	Name    string    `xml:"name,attr"`
	Failure *struct{} `xml:"failure"`
	Error   *struct{} `xml:"error"`
	Skipped *struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	} `xml:"skipped"`
}

type xmlSuite struct {
	Cases  []xmlCase  `xml:"testcase"`
	Suites []xmlSuite `xml:"testsuite"`
}

// readCases reads a test.xml; a test without one has no cases.
func readCases(name string) ([]testCase, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var suite xmlSuite
	if err := xml.Unmarshal(data, &suite); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return suite.cases(nil), nil
}

// reason is what a skip gives as its reason: its last line that go test did not write itself.
func reason(text string) string {
	found := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			found = line
		}
	}
	return found
}

func (s xmlSuite) cases(to []testCase) []testCase {
	for _, c := range s.Cases {
		tc := testCase{name: c.Name, failed: c.Failure != nil || c.Error != nil}
		if c.Skipped != nil {
			tc.skipped = true
			tc.message = reason(c.Skipped.Message + "\n" + c.Skipped.Text)
		}
		to = append(to, tc)
	}
	for _, sub := range s.Suites {
		to = sub.cases(to)
	}
	return to
}

// expectation says that a case of a target may be skipped; both are patterns of path.Match, of which * also matches a /
// when it is the whole pattern.
type expectation struct{ label, name string }

// readExpected reads lines "label case # reason". The reason is obligatory.
func readExpected(name string) ([]expectation, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []expectation
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		what, reason, _ := strings.Cut(text, "#")
		fields := strings.Fields(what)
		if len(fields) != 2 || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s:%d: %q, write: label case # reason", name, n, text)
		}
		all = append(all, expectation{label: fields[0], name: fields[1]})
	}
	return all, lines.Err()
}

func isExpected(all []expectation, label, name string) bool {
	for _, e := range all {
		if matches(e.label, label) && matches(e.name, name) {
			return true
		}
	}
	return false
}

func matches(pattern, s string) bool {
	if pattern == "*" {
		return true
	}
	ok, err := path.Match(pattern, s)
	return err == nil && ok
}
