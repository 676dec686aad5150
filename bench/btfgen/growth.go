package main

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// growthRounds is how often each size is measured; the fastest counts.
const growthRounds = 20

// growth measures generating from the largest shard, cut to fewer kernels.
func (b *bench) growth() error {
	order, files := b.shards()
	largest := slices.MaxFunc(order, func(x, y string) int { return len(files[x]) - len(files[y]) })
	paths, err := b.objectsOf(largest)
	if err != nil {
		return err
	}
	objects, err := btfgen.ReadObjects(paths)
	if err != nil {
		return err
	}
	where, err := btfhub.ParseShard(largest)
	if err != nil {
		return err
	}
	for n := 1; ; n = min(2*n, len(files[largest])) {
		data, _, err := btfgen.Import(b.ctx, where, files[largest][:n], b.Jobs)
		if err != nil {
			return err
		}
		file := filepath.Join(b.dir, "growth.btfshard")
		if err := action.WriteFile(file, data); err != nil {
			return err
		}
		g := growthFigure{Kernels: n}
		for range growthRounds {
			start := time.Now()
			out, err := btfgen.Generate(objects, file)
			if err != nil {
				return err
			}
			if wall := time.Since(start); g.Wall == 0 || wall < g.Wall {
				g.Wall, g.Computed = wall, out.Computed
			}
		}
		b.figures.Growth = append(b.figures.Growth, g)
		if n == len(files[largest]) {
			return nil
		}
	}
}
