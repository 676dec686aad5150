package output

import (
	"fmt"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/flame"
)

// stacks adds up the stacks of events, and writes them when the run ends.
type stacks struct {
	mode    Mode
	title   string
	reader  *flame.Reader
	profile flame.Profile
	start   time.Time
}

func newStacks(src *field.Source, mode Mode) (*stacks, error) {
	reader, err := flame.NewReader(src, flame.ForGraph)
	if err == nil && reader == nil {
		err = fmt.Errorf("data source %q has no stacks, which mode %q needs", src.Name, mode)
	}
	if err != nil {
		return nil, err
	}
	return &stacks{mode: mode, title: src.Name, reader: reader, start: time.Now()}, nil
}

func (s *stacks) Header(dst []byte) []byte { return dst }

func (s *stacks) Event(dst, sample []byte) []byte {
	s.profile.Add(s.reader.Read(sample))
	return dst
}

func (s *stacks) Array(dst []byte, samples [][]byte) []byte {
	for _, sample := range samples {
		s.profile.Add(s.reader.Read(sample))
	}
	return dst
}

// Finish implements Finisher.
func (s *stacks) Finish(dst []byte) []byte {
	switch s.mode {
	case Pprof:
		return s.profile.Pprof(dst, s.reader.Unit, s.start, time.Now())
	case FlameGraph:
		return s.profile.HTML(dst, s.title, s.reader.Unit)
	}
	return s.profile.Folded(dst)
}
