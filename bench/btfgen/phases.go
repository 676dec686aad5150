package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// The names of the measured sides.
const (
	sideReference = "tar xJf + bpftool gen min_core_btf"
	sideUnpack    = "tar xJf alone (what xz costs)"
	sideArchives  = "gadget-btfgen, from the archives"
	sideImport    = "btfimport, once for all gadgets"
	sideShards    = "btfgen, one process a shard"
	sideInProcess = "btfgen, all shards in one process"
)

// reference unpacks and reduces each kernel by the tools of btfhub's script.
func (b *bench) reference() error {
	var unpack, full [][]command
	for i, a := range b.archives {
		scratch, err := b.path("scratch", fmt.Sprint(i), "x")
		if err != nil {
			return err
		}
		scratch = filepath.Dir(scratch)
		out, err := b.path("reference", filepath.FromSlash(btfhub.LayerPath(a.Kernel)))
		if err != nil {
			return err
		}
		archive, err := filepath.Abs(a.Path)
		if err != nil {
			return err
		}
		tar := command{scratch, []string{"tar", "xJf", archive}}
		member := a.Kernel.Release + btfhub.BTFSuffix
		gen := command{scratch, append([]string{b.Bpftool, "gen", "min_core_btf", member, out}, b.objects[a.Kernel.Arch]...)}
		unpack = append(unpack, []command{tar})
		full = append(full, []command{tar, gen})
	}
	if err := b.measure(sideReference, full); err != nil {
		return err
	}
	return b.measure(sideUnpack, unpack)
}

func (b *bench) fromArchives() error {
	var commands []command
	for _, a := range arch.All() {
		if len(b.objects[a]) == 0 {
			continue
		}
		argv := []string{
			b.tool("gadget-btfgen"), "-a", a.BTFHub(), "--archive=" + b.Archive,
			"--out=" + filepath.Join(b.dir, "tree", a.String()), fmt.Sprintf("--jobs=%d", b.Jobs),
		}
		for _, o := range b.objects[a] {
			argv = append(argv, "-o", o)
		}
		commands = append(commands, command{argv: argv})
	}
	return b.measure(sideArchives, [][]command{commands})
}

func (b *bench) importShards() error {
	order, files := b.shards()
	var commands []command
	for _, s := range order {
		out, err := b.path("shards", b.file(s)+".btfshard")
		if err != nil {
			return err
		}
		argv := []string{b.tool("btfimport"), "--shard=" + s, "--out=" + out, fmt.Sprintf("--jobs=%d", b.Jobs)}
		for _, a := range files[s] {
			argv = append(argv, "--archive="+a)
		}
		commands = append(commands, command{argv: argv})
	}
	if err := b.measure(sideImport, [][]command{commands}); err != nil {
		return err
	}
	for _, s := range order {
		info, err := os.Stat(filepath.Join(b.dir, "shards", b.file(s)+".btfshard"))
		if err != nil {
			return err
		}
		b.figures.ShardBytes += info.Size()
	}
	return nil
}

// file turns a shard's path into a file name.
func (b *bench) file(shard string) string { return strings.ReplaceAll(shard, "/", "-") }

func (b *bench) shardFile(shard string) string {
	return filepath.Join(b.dir, "shards", b.file(shard)+".btfshard")
}

func (b *bench) objectsOf(shard string) ([]string, error) {
	s, err := btfhub.ParseShard(shard)
	return b.objects[s.Arch], err
}

func (b *bench) fromShards() error {
	order, _ := b.shards()
	var jobs [][]command
	for _, s := range order {
		objects, err := b.objectsOf(s)
		if err != nil {
			return err
		}
		out, err := b.path("results", b.file(s))
		if err != nil {
			return err
		}
		argv := []string{
			b.tool("btfgen"), "--shard=" + b.shardFile(s), "--out=" + out + ".minbtf", "--report=" + out + ".json",
		}
		for _, o := range objects {
			argv = append(argv, "--object="+o)
		}
		jobs = append(jobs, []command{{argv: argv}})
	}
	return b.measure(sideShards, jobs)
}

// inProcess does the same without the start of a process for each shard, and
// checks that the archives give the same bytes.
func (b *bench) inProcess() error {
	best := figure{Name: sideInProcess}
	for range b.Rounds * 3 {
		start, cpu := time.Now(), ownCPU()
		computed, err := b.generateAll()
		if err != nil {
			return err
		}
		if wall := time.Since(start); best.Wall == 0 || wall < best.Wall {
			best.Wall, best.CPU = wall, ownCPU()-cpu
		}
		b.figures.Computed = computed
	}
	fmt.Fprintf(b.log, "%s: %v\n", best.Name, best.Wall.Round(time.Microsecond))
	b.figures.Sides = append(b.figures.Sides, best)
	return nil
}

func (b *bench) generateAll() (int, error) {
	order, _ := b.shards()
	outs := make([]*btfgen.Output, len(order))
	g, _ := errgroup.WithContext(context.Background())
	g.SetLimit(b.Jobs)
	for i, s := range order {
		g.Go(func() error {
			paths, err := b.objectsOf(s)
			if err != nil {
				return err
			}
			objects, err := btfgen.ReadObjects(paths)
			if err != nil {
				return err
			}
			outs[i], err = btfgen.Generate(objects, b.shardFile(s))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	computed := 0
	for _, out := range outs {
		if err := out.Err(); err != nil {
			return 0, err
		}
		computed += out.Computed
		for _, e := range out.Entries {
			path := filepath.Join(b.dir, "tree", e.Kernel.Arch.String(), filepath.FromSlash(btfhub.LayerPath(e.Kernel)))
			if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, e.BTF) {
				return 0, fmt.Errorf("%q differs from what the archive gives: %w", path, err)
			}
		}
	}
	return computed, nil
}

// layers compares the layer of each arch with a tar.gz of what bpftool gave.
func (b *bench) layers() error {
	for _, a := range arch.All() {
		if len(b.objects[a]) == 0 {
			continue
		}
		var ours, theirs []string
		order, _ := b.shards()
		for _, s := range order {
			if strings.HasSuffix(s, "/"+a.BTFHub()) {
				ours = append(ours, "--result="+filepath.Join(b.dir, "results", b.file(s)+".minbtf"))
				theirs = append(theirs, s)
			}
		}
		layer, ref := filepath.Join(b.dir, a.String()+".tar.gz"), filepath.Join(b.dir, a.String()+".ref.tar.gz")
		u := &usage{}
		if err := u.run(b, command{argv: append([]string{b.tool("btflayer"), "--out=" + layer}, ours...)}); err != nil {
			return err
		}
		if err := u.run(b, command{
			filepath.Join(b.dir, "reference"),
			append([]string{"tar", "czf", ref}, theirs...),
		}); err != nil {
			return err
		}
		for path, sum := range map[string]*int64{layer: &b.figures.LayerBytes, ref: &b.figures.RefLayerBytes} {
			data, err := action.ReadFile(path, 1<<30)
			if err != nil {
				return err
			}
			*sum += int64(len(data))
		}
	}
	return nil
}
