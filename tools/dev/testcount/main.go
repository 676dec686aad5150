// Command testcount counts the test cases of Bazel runs and judges their skips.
//
//	testcount --expected-skips=FILE [--add=PASSED,FAILED] EVENTS.json...
//
// Each argument is what Bazel wrote to --build_event_json_file. A case that was skipped without being expected counts
// as failed. The last line on stdout is "N passed, N failed, N skipped"; the exit code is 1 when something failed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

var errFailed = errors.New("tests failed")

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, errFailed), errors.Is(err, flag.ErrHelp):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "testcount:", err)
		os.Exit(2)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("testcount", flag.ContinueOnError)
	flags.SetOutput(stderr)
	skips := flags.String("expected-skips", "", "file of skips that are expected here")
	add := flags.String("add", "0,0", "cases counted elsewhere: passed,failed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var total counts
	if _, err := fmt.Sscanf(*add, "%d,%d", &total.passed, &total.failed); err != nil {
		return fmt.Errorf("reading --add %q: %w", *add, err)
	}
	expected, err := readExpected(*skips)
	if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		if err := total.addRun(name, expected, stderr); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	fmt.Fprintf(stdout, "%d passed, %d failed, %d skipped\n", total.passed, total.failed, total.skipped)
	if total.failed > 0 {
		return errFailed
	}
	return nil
}
