package runcmd

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/filterexpr"
	"github.com/rules-gadget/rules_gadget/runner/otlp"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// check returns an error for flags that no gadget can be run with, and puts those
// that mean the same into one. It connects to nothing. terminal means that a person
// reads the events.
func (c *Cmd) check(terminal bool) error {
	if c.DisallowPulling {
		if c.Pull == artifact.PullAlways {
			return errors.New("--disallow-pulling contradicts --pull=always, use one")
		}
		c.Pull = artifact.PullNever
	}
	for _, err := range []error{
		c.checkOutput(terminal && c.OutputFile == ""), c.OutputFileFlags.check(c.Output), c.checkFields(),
		field.CheckFilter(c.Filter), c.checkExpressions(), c.checkMaxEntries(), c.checkAnnotations(),
		c.MetricsFlags.check(), c.TrustFlags.Check(), c.places().Check(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkOutput returns an error for modes that no data source has.
func (c *Cmd) checkOutput(terminal bool) error {
	values, err := perAnySource(joinColumns(c.Output, func(string) bool { return true }))
	if err != nil {
		return fmt.Errorf("--output %q: %w", c.Output, err)
	}
	for _, value := range values {
		v, err := c.readMode(value)
		if err != nil {
			return err
		}
		if terminal {
			if err := checkTerminal(v.mode); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkFields returns an error for lists of --fields that contradict each other.
func (c *Cmd) checkFields() error {
	for part := range strings.SplitSeq(c.Fields, ";") {
		if _, list, ok := strings.Cut(part, ":"); ok {
			part = list
		}
		if err := output.CheckFields(part); err != nil {
			return err
		}
	}
	return nil
}

// checkExpressions returns an error for a filter that is not an expression, with or
// without the name of a data source before it.
func (c *Cmd) checkExpressions() error {
	for _, text := range c.FilterExpr {
		err := filterexpr.Check(text)
		if source, rest, ok := strings.Cut(text, ":"); err != nil && ok && isName(source) {
			text, err = rest, filterexpr.Check(rest)
		}
		if err != nil {
			return fmt.Errorf("filter expression %q: %w", text, err)
		}
	}
	return nil
}

// isName reports whether text may be the name of a data source.
func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return strings.ContainsRune(" \t\"'`()[]{}?&|<>=!,+*/%", r)
	})
}

func (c *Cmd) checkMaxEntries() error {
	values, err := perAnySource(c.MaxEntries)
	if err != nil {
		return fmt.Errorf("--max-entries %q: %w", c.MaxEntries, err)
	}
	for _, value := range values {
		if _, err := readMaxEntries(value); err != nil {
			return err
		}
	}
	return nil
}

// readMaxEntries reads a value of --max-entries.
func readMaxEntries(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < unlimited {
		return 0, fmt.Errorf("--max-entries: %q is not a number of entries, use one like 20, or -1 for all", value)
	}
	return n, nil
}

// checkAnnotations returns an error for annotations that no data source and no field
// takes.
func (c *Cmd) checkAnnotations() error {
	for _, text := range c.Annotate {
		if strings.TrimSpace(text) == "" {
			continue
		}
		a, err := readAnnotation(strings.TrimSpace(text))
		if err == nil {
			_, err = gadgetapi.CheckAnnotation(a.field != "", a.key, a.value)
		}
		if err != nil {
			return fmt.Errorf("--annotate %q: %w", text, err)
		}
	}
	return nil
}

// check returns an error for addresses that cannot be those of a server.
func (f MetricsFlags) check() error {
	for _, to := range f.exporters() {
		if to.value == "" {
			continue
		}
		if _, err := otlp.NewEndpoint(to.value, to.signal); err != nil {
			return fmt.Errorf("%s: %w", to.flag, err)
		}
	}
	if f.OTelMetricsListen == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(f.OTelMetricsListen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("--otel-metrics-listen: %q is not an address with a port, use one like 127.0.0.1:2224",
			f.OTelMetricsListen)
	}
	return nil
}

// exporter is a flag that specifies where a signal is sent.
type exporter struct {
	flag, value string
	signal      otlp.Signal
}

func (f MetricsFlags) exporters() []exporter {
	return []exporter{
		{"--otel-metrics-exporter", f.OTelMetricsExporter, otlp.Metrics},
		{"--otel-logs-exporter", f.OTelLogsExporter, otlp.Logs},
		{"--otel-profiles-exporter", f.OTelProfilesExporter, otlp.Profiled},
	}
}

// perAnySource returns the values of a flag that may have one for each data source,
// whatever the sources are.
func perAnySource(value string) ([]string, error) {
	var sources []string
	for part := range strings.SplitSeq(value, ",") {
		if name, _, ok := strings.Cut(strings.TrimSpace(part), ":"); ok {
			sources = append(sources, name)
		}
	}
	var values []string
	for _, source := range append(sources, "") {
		v, err := perSource(value, source, sources)
		if err != nil {
			return nil, err
		}
		if v != "" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values, nil
}
