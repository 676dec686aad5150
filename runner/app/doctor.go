package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// doctorCmd is "gadget-run doctor".
type doctorCmd struct {
	container.RuntimeFlags `group:"Runtimes"`
}

// Help gives an example.
func (doctorCmd) Help() string {
	return `A program that does nothing is loaded and attached for each kind of program. It fails when no gadget can run at all.

Examples:

    gadget-run doctor`
}

// finding is one thing that gadgets need. Details are the hint where it is missing,
// otherwise what was found, if that is more specific than "yes".
type finding struct{ name, state, details string }

// Run prints one line for each thing that gadgets need, with the hint where it
// is missing. It fails when nothing can run at all.
func (d doctorCmd) Run(g *cli.Globals) error {
	runtimes, err := d.runtimes(g.Ctx)
	if err != nil {
		return cli.Usage(err)
	}
	privilege := engine.Privilege()
	all := []finding{{"CHECK", "RESULT", "DETAILS"}, found("privilege", "", privilege)}
	for _, f := range engine.Features() {
		all = append(all, ofFeature(f))
	}
	for _, t := range engine.TryKinds() {
		one := finding{name: t.Kind.Name + " programs", state: "yes", details: t.Hint}
		if t.Err != nil {
			one.state = "no"
		}
		all = append(all, one)
	}
	all = append(all, found("store", g.State, writable(g.State)))
	all = append(all, runtimes...)
	if err := printFindings(g.Stdout, all, cli.TerminalWidth(g.Stdout)); err != nil {
		return err
	}
	if privilege != nil {
		return fmt.Errorf("no gadget can run: %w", privilege)
	}
	return nil
}

// runtimes reports for each container runtime whether it answers.
func (d doctorCmd) runtimes(ctx context.Context) ([]finding, error) {
	c, err := container.Open(d.RuntimeFlags, func(string) {})
	if err != nil {
		return nil, err
	}
	var all []finding
	for _, st := range c.Status(ctx) {
		all = append(all, found(st.Name, fmt.Sprintf("%s, containers: %d", st.Socket, st.Running), st.Hint))
	}
	return all, nil
}

// ofFeature splits the state of a feature, "no, 2 broken", into the result and what
// follows it.
func ofFeature(f engine.Feature) finding {
	state, details, more := strings.Cut(f.State, ", ")
	switch {
	case f.Missing() && more:
		details += ": " + f.Hint
	case f.Missing():
		details = f.Hint
	}
	return finding{f.Name, state, details}
}

// found has details, or the error, which names its hint.
func found(name, details string, err error) finding {
	if err != nil {
		return finding{name, "no", err.Error()}
	}
	return finding{name, "yes", details}
}

// printFindings writes a table whose last column is wrapped at width, which is
// 0 where no person reads it.
func printFindings(w io.Writer, all []finding, width int) error {
	const gap = 2
	names, states := 0, 0
	for _, f := range all {
		names, states = max(names, len(f.name)+gap), max(states, len(f.state)+gap)
	}
	var out strings.Builder
	for _, f := range all {
		line := fmt.Sprintf("%-*s%-*s", names, f.name, states, f.state)
		for _, part := range cli.Wrap(f.details, width-names-states) {
			out.WriteString(strings.TrimRight(line+part, " ") + "\n")
			line = strings.Repeat(" ", names+states)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writable returns an error when the store's directory cannot be written, or made
// in the nearest directory that exists. It changes nothing.
func writable(dir string) error {
	for {
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		if err == nil {
			return nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, unix.ENOENT) || parent == dir {
			return fmt.Errorf("%q cannot be written: %w, choose another directory with --state", dir, err)
		}
		dir = parent
	}
}
