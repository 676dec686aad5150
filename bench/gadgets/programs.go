package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
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
	empty, err := engine.Load(plan, engine.LoadOptions{PinPath: engine.DefaultPinPath})
	if err != nil {
		return err
	}
	defer empty.Close()
	if err := empty.Attach(); err != nil {
		return err
	}
	if engine.EntersContainers(plan, engine.Places{}) {
		if _, err := empty.EnterContainer(uint32(os.Getpid())); err != nil {
			return err
		}
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
// long they run for an operation. It is not done in the same turn as other measurements:
// it takes time itself. Other processes on the machine cause runs, too: a program that
// runs about a whole number of times for each operation counts as often.
func (b *bench) runs(w workload, t *tracer) (time.Duration, error) {
	programs, err := stats.OpenPrograms("/proc")
	if err != nil {
		return 0, err
	}
	defer programs.Close()
	before, err := t.programs(programs)
	if err != nil {
		return 0, err
	}
	work, err := b.work(w, b.Time/4)
	if err != nil {
		return 0, err
	}
	after, err := t.programs(programs)
	sum := 0.0
	for id, p := range after {
		count := float64(p.RunCount - before[id].RunCount)
		if count == 0 {
			continue
		}
		each := count / float64(work.operations)
		if each > 0.5 {
			each = math.Round(each)
		}
		sum += each * float64(p.Runtime-before[id].Runtime) / count
	}
	return time.Duration(sum), err
}

// programs returns those of a side: that were loaded since it started and that it has
// open, or that only a socket has.
func (t *tracer) programs(all *stats.Programs) (map[uint32]stats.Program, error) {
	rows, err := all.Read()
	own := map[uint32]stats.Program{}
	for _, row := range rows {
		open := row.PIDs == "" || slices.Contains(strings.Split(row.PIDs, ","), strconv.Itoa(t.cmd.Process.Pid))
		if open && !t.others[ebpf.ProgramID(row.ID)] {
			own[row.ID] = row
		}
	}
	return own, err
}

// loaded returns all programs that are loaded now.
func loaded() (map[ebpf.ProgramID]bool, error) {
	all := map[ebpf.ProgramID]bool{}
	for id := ebpf.ProgramID(0); ; all[id] = true {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); errors.Is(err, os.ErrNotExist) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
	}
}
