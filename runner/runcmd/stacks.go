package runcmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
)

// StackFlags specify how the functions of stacks get their names.
type StackFlags struct {
	Symbolizers         string `default:"auto" placeholder:"LIST" help:"How functions of user stacks get names: auto, none, or a comma-separated list of symtab and debuginfod-cache."`
	DebuginfodCachePath string `placeholder:"DIR" help:"Where debuginfod-cache looks: the cache directory of a debuginfod client. Nothing is downloaded."`
}

func (s *session) openSymbolizers() error {
	var err error
	if s.symbols, err = symbolizer.Parse(s.cmd.Symbolizers, s.cmd.DebuginfodCachePath); err != nil {
		return fmt.Errorf("--symbolizers: %w", err)
	}
	return nil
}

// bindStacks gives the fields of stacks the maps of the loaded gadget.
func (s *session) bindStacks(loaded *engine.Loaded) {
	maps := map[string]symbolizer.Map{}
	for _, name := range []string{symbolizer.KernelStackMap, symbolizer.UserStackMap, symbolizer.BuildIDMap} {
		if m := loaded.Map(name); m != nil {
			maps[name] = m
		}
	}
	s.stacks.Bind(maps[symbolizer.KernelStackMap], maps[symbolizer.UserStackMap], maps[symbolizer.BuildIDMap],
		s.symbols, func(err error) { s.notef("kernel stacks have no names: %v", err) })
}
