package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf/asm"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/stats"
)

// attachEmpty attaches, in place of a gadget's programs, ones that do nothing, and waits
// for the end of ctx: what remains is what the kernel's hooks cost.
func attachEmpty(ctx context.Context, path string, out io.Writer) error {
	plan, err := readPlan(ctx, path)
	if err != nil {
		return err
	}
	for _, p := range plan.Programs {
		if p.Kind == nil {
			return fmt.Errorf("program %q has no attach kind", p.Name)
		}
		plan.Collection.Programs[p.Name].Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, p.Kind.Pass), asm.Return()}
	}
	loaded, err := engine.Load(plan, engine.LoadOptions{PinPath: engine.DefaultPinPath})
	if err != nil {
		return err
	}
	defer loaded.Close()
	if err := loaded.Attach(); err != nil {
		return err
	}
	fmt.Fprintln(out, readyLine)
	<-ctx.Done()
	return nil
}

// readPlan reads the eBPF programs of an artifact.
func readPlan(ctx context.Context, path string) (*gadgetapi.Spec, error) {
	src, err := artifact.OpenPath(ctx, artifact.Name{Path: path})
	if err != nil {
		return nil, err
	}
	defer src.Release()
	art, err := gadget.Load(ctx, src.Blobs, src.Root, arch.Host())
	if err != nil {
		return nil, err
	}
	md, problems := gadget.ParseMetadata(art.Metadata, "gadget.yaml", false)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return gadgetapi.Read(art.Object, md.API())
}

// runs lets the kernel measure a side's programs during the workload, and returns how
// long they ran for each operation. It is not done in the same turn as other
// measurements: it takes time itself.
func (b *bench) runs(w workload, t *tracer) (time.Duration, error) {
	programs, err := stats.OpenPrograms("/proc")
	if err != nil {
		return 0, err
	}
	defer programs.Close()
	before, err := t.runtime(programs)
	if err != nil {
		return 0, err
	}
	work, err := b.work(w, b.Time/4)
	if err != nil {
		return 0, err
	}
	after, err := t.runtime(programs)
	return (after - before) / time.Duration(work.operations), err
}

// runtime returns how long the programs of a side have run.
func (t *tracer) runtime(programs *stats.Programs) (time.Duration, error) {
	rows, err := programs.Read()
	var sum time.Duration
	for _, row := range rows {
		if slices.Contains(strings.Split(row.PIDs, ","), strconv.Itoa(t.cmd.Process.Pid)) {
			sum += row.Runtime
		}
	}
	return sum, err
}
