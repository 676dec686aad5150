// Package btflayer is the BtfLayer action: it merges the results of all shards
// of an architecture into the btfgen layer.
package btflayer

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

const doc = "Merges results of btfgen into a btfgen layer, a gzip-compressed tar."

// flags is the command line.
type flags struct {
	Result []string `sep:"none" help:"A .minbtf that btfgen wrote. Repeatable."`
	Out    string   `required:"" help:"The .tar.gz to write."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("btflayer", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("btflayer", doc, &f, args, stdout); err != nil {
		return err
	}
	var entries []btfhub.LayerEntry
	for _, path := range f.Result {
		data, err := action.ReadFile(path, btfgen.MaxMinBTF)
		if err != nil {
			return err
		}
		some, err := btfgen.ReadResults(data)
		if err != nil {
			return fmt.Errorf("reading %q: %w", path, err)
		}
		entries = append(entries, some...)
	}
	layer, err := btfhub.WriteLayer(entries)
	if err != nil {
		return err
	}
	return action.WriteFile(f.Out, layer)
}
