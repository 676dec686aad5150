package main

import (
	"regexp"
	"strconv"
	"strings"
)

// goTest is a Go test that ran in the machine, as it said with -test.v.
type goTest struct {
	Name     string     `json:"name"`
	Status   string     `json:"status"`
	Seconds  float64    `json:"seconds"`
	Text     string     `json:"text,omitempty"`     // what it logged, if it failed or was skipped
	Verified []verified `json:"verified,omitempty"` // programs that it loaded
}

// verified is what the verifier counted for a program of a gadget.
type verified struct {
	Gadget       string `json:"gadget"`
	Program      string `json:"program"`
	Instructions int    `json:"instructions"`
	Stack        int    `json:"stack"`
}

var (
	runLine      = regexp.MustCompile(`^=== (?:RUN|CONT|NAME) +(\S+)$`)
	endLine      = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (\S+) \(([0-9.]+)s\)$`)
	verifiedLine = regexp.MustCompile(`^ +\w+\.go:\d+: verified (\w+) (\w+): (\d+) instructions, (\d+) bytes of stack$`)
)

// goTests reads the output of programs of Go tests. A test that has not ended
// has failed.
func goTests(lines []string) []goTest {
	var tests []goTest
	index := map[string]int{}
	current := -1
	for _, line := range lines {
		if m := runLine.FindStringSubmatch(line); m != nil {
			i, ok := index[m[1]]
			if !ok {
				i = len(tests)
				index[m[1]] = i
				tests = append(tests, goTest{Name: m[1], Status: failure})
			}
			current = i
			continue
		}
		if m := endLine.FindStringSubmatch(line); m != nil {
			if i, ok := index[m[2]]; ok {
				tests[i].Status = strings.ToLower(m[1])
				tests[i].Seconds, _ = strconv.ParseFloat(m[3], 64) // digits and a dot
			}
			continue
		}
		if current >= 0 {
			tests[current].line(line)
		}
	}
	for i := range tests {
		if tests[i].Status == passed {
			tests[i].Text = ""
		}
	}
	return tests
}

// line takes a line that the test wrote.
func (t *goTest) line(line string) {
	m := verifiedLine.FindStringSubmatch(line)
	if m == nil {
		t.Text += strings.TrimSpace(line) + "\n"
		return
	}
	v := verified{Gadget: m[1], Program: m[2]}
	v.Instructions, _ = strconv.Atoi(m[3]) // digits
	v.Stack, _ = strconv.Atoi(m[4])
	t.Verified = append(t.Verified, v)
}

// failed returns the names of the tests that failed.
func failed(tests []goTest) []string {
	var names []string
	for _, t := range tests {
		if t.Status == failure {
			names = append(names, t.Name)
		}
	}
	return names
}

// count returns how many tests ended in a way.
func count(tests []goTest, status string) int {
	n := 0
	for _, t := range tests {
		if t.Status == status {
			n++
		}
	}
	return n
}
