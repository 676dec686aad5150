package btfgen

import (
	"fmt"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/shard"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// Generate makes minimal BTF for every kernel of an imported shard.
func Generate(objects []*core.Object, path string) (*Output, error) {
	f, err := action.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	out, err := generate(objects, f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return out, nil
}

func generate(objects []*core.Object, f *os.File, size int64) (*Output, error) {
	s, err := shard.Open(f, size)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	where, err := btfhub.ParseShard(s.Path())
	if err != nil {
		return nil, err
	}
	out := &Output{Report: newReport(objects, where.Arch.String())}
	s.Generate(objects, func(k shard.Kernel, res *core.Result, err error) {
		id := where.Kernel(k.Release)
		out.Report.add(id, res, err)
		if err != nil {
			out.Failures = append(out.Failures, Failure{id, err})
			return
		}
		out.Entries = append(out.Entries, btfhub.LayerEntry{Kernel: id, BTF: res.BTF})
	})
	out.Computed = s.Computed()
	return out, nil
}
