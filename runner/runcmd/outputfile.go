package runcmd

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// maxKept is the maximum of --output-keep.
const maxKept = 1000

// OutputFileFlags send the events into a file in place of stdout.
type OutputFileFlags struct {
	OutputFile    cli.File `placeholder:"FILE" help:"Append the events to this file, in place of stdout."`
	OutputMaxSize Size     `placeholder:"SIZE" help:"Begin a new output file before it gets larger: 500K, 100M, 2G, or a number of bytes; with -o json."`
	OutputKeep    int      `default:"5" placeholder:"N" help:"How many older output files stay, FILE.1 is the newest of them."`
}

func (f OutputFileFlags) check(mode string) error {
	switch {
	case f.OutputMaxSize > 0 && f.OutputFile == "":
		return errors.New("--output-max-size needs --output-file=FILE")
	case f.OutputMaxSize > 0 && mode != string(output.JSON):
		return errors.New("--output-max-size needs -o json, where each line is an event")
	case f.OutputKeep < 0 || f.OutputKeep > maxKept:
		return fmt.Errorf("--output-keep=%d: use a number from 0 to %d", f.OutputKeep, maxKept)
	}
	return nil
}

// Size is a number of bytes.
type Size int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	number, shift := string(text), 0
	for i, unit := range []string{"K", "M", "G"} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = n, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return fmt.Errorf("%q is not a size, use one like 500K, 100M, 2G or a number of bytes", text)
	}
	*s = Size(n << shift)
	return nil
}

// openOutput writes the events where the flags specify, until close is called.
func (s *session) openOutput() (done func(), err error) {
	if s.cmd.OutputFile == "" || s.rest.Help {
		return func() {}, nil
	}
	f, done, err := s.rest.member.outputFile(func() (*output.RotatingFile, error) {
		return output.OpenRotating(string(s.cmd.OutputFile), output.Rotation{
			MaxSize: int64(s.cmd.OutputMaxSize), Keep: s.cmd.OutputKeep,
		})
	})
	if err != nil {
		return nil, err
	}
	redirected := *s.g
	redirected.Stdout, s.g = f, &redirected
	return done, nil
}

// outputFile returns the file of the run, one for all gadgets, which the last one
// closes.
func (m *member) outputFile(
	open func() (*output.RotatingFile, error),
) (f *output.RotatingFile, done func(), err error) {
	if m == nil {
		m = &member{sharedRun: &sharedRun{gadgets: 1}}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.file == nil {
		if m.file, err = open(); err != nil {
			return nil, nil, err
		}
	}
	m.writing++
	return m.file, m.doneWriting, nil
}

func (m *member) doneWriting() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writing--; m.writing == 0 {
		_ = m.file.Close() // every write has reported its errors
		m.file = nil
	}
}
