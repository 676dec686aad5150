package main

import (
	"fmt"
	"io"
	"os"
)

// counts is how many cases ended in which way.
type counts struct{ passed, failed, skipped int }

// addRun counts the cases of one Bazel run and says on stderr what is wrong with the bad ones.
func (c *counts) addRun(name string, expected []expectation, stderr io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	outcome, err := readEvents(f)
	if err != nil {
		return err
	}
	for _, label := range outcome.broken {
		c.failed++
		fmt.Fprintf(stderr, "FAILED  %s: not built\n", label)
	}
	for _, r := range outcome.results {
		if err := c.addResult(r, expected, stderr); err != nil {
			return fmt.Errorf("%s: %w", r.label, err)
		}
	}
	if outcome.exitCode != 0 && c.failed == 0 {
		c.failed++
		fmt.Fprintf(stderr, "FAILED  Bazel ended with code %d\n", outcome.exitCode)
	}
	return nil
}

// addResult counts the cases of one test target. A target that failed without a failing case counts as one: it crashed,
// or ran out of time.
func (c *counts) addResult(r result, expected []expectation, stderr io.Writer) error {
	cases, err := readCases(r.xml)
	if err != nil {
		return err
	}
	bad := 0
	for _, tc := range cases {
		switch {
		case tc.failed:
			bad++
			fmt.Fprintf(stderr, "FAILED  %s %s\n", r.label, tc.name)
		case !tc.skipped:
			c.passed++
		case isExpected(expected, r.label, tc.name):
			c.skipped++
			fmt.Fprintf(stderr, "SKIPPED %s %s\n", r.label, tc.name)
		default:
			bad++
			fmt.Fprintf(stderr, "FAILED  %s %s: skipped, which is not expected: %s\n", r.label, tc.name, tc.message)
		}
	}
	switch {
	case len(cases) == 0 && r.passed:
		c.passed++
	case bad == 0 && !r.passed:
		bad++
		fmt.Fprintf(stderr, "FAILED  %s: %s\n", r.label, r.status)
	}
	c.failed += bad
	return nil
}
