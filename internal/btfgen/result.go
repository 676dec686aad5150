package btfgen

import (
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// Output is what generating yields: minimal BTF for the kernels that could be
// read, the report of all, and the errors of the rest.
type Output struct {
	Entries  []btfhub.LayerEntry
	Report   *Report
	Failures []Failure
	Computed int // results that were computed; the others were equal to one of them
}

// Failure is a kernel without result.
type Failure struct {
	Kernel kernel.Identity
	Err    error
}

// FailuresError is the error that some kernels could not be read. What could
// be read is complete.
type FailuresError struct {
	Failures []Failure
	Total    int // requested kernels
}

// Error names each kernel that failed.
func (e *FailuresError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d kernels could not be read", len(e.Failures), e.Total)
	for _, f := range e.Failures {
		fmt.Fprintf(&b, "\n  %s: %v", btfhub.ArchivePath(f.Kernel), f.Err)
	}
	return b.String()
}

// Err returns a *FailuresError if there are failures.
func (o *Output) Err() error {
	if len(o.Failures) == 0 {
		return nil
	}
	return &FailuresError{Failures: o.Failures, Total: len(o.Failures) + len(o.Entries)}
}
