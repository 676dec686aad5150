package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// batch is how many mutants are tried between two writes of the results.
const batch = 200

// series is one series of mutants.
type series struct {
	config
	dir       string
	originals []original
	kinds     []kind
	out       io.Writer

	mu      sync.Mutex
	results results
}

// results is what the mutants so far did.
type results struct {
	Next uint64          `json:"next"` // the seed to continue with
	Rows map[string]*row `json:"rows"` // by kind and command
}

// row counts the ends of one kind of mutants in one command.
type row struct {
	Succeeded  int           `json:"succeeded"`
	Refused    int           `json:"refused"`
	Usage      int           `json:"usage"`
	Faults     int           `json:"faults"`
	MostMemory int64         `json:"mostMemory"` // in bytes
	MostTime   time.Duration `json:"mostTime"`
}

// all tries the mutants that are left and prints the table.
func (s *series) all(ctx context.Context) error {
	s.results = results{Next: s.seed, Rows: map[string]*row{}}
	if err := s.resume(); err != nil {
		return err
	}
	end := s.seed + uint64(s.count)
	for s.results.Next < end && ctx.Err() == nil {
		last := min(s.results.Next+batch, end)
		if err := s.some(s.results.Next, last); err != nil {
			return err
		}
		s.results.Next = last
		if err := s.save(); err != nil {
			return err
		}
	}
	faults := s.table()
	switch {
	case faults > 0:
		return fmt.Errorf("%d mutants failed", faults)
	case s.results.Next < end:
		return fmt.Errorf("stopped, continue with --seed=%d", s.results.Next)
	}
	return nil
}

// resume reads what an earlier run did.
func (s *series) resume() error {
	if s.config.results == "" {
		return nil
	}
	data, err := action.ReadFile(s.config.results, maxInput)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(data, &s.results)
}

func (s *series) save() error {
	if s.config.results == "" {
		return nil
	}
	data, err := json.MarshalIndent(s.results, "", "  ")
	if err != nil {
		return err
	}
	return action.WriteFile(s.config.results, data)
}

// some tries the mutants from a seed to before another, several at a time.
func (s *series) some(from, to uint64) error {
	seeds := make(chan uint64)
	errs := make([]error, s.jobs)
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for seed := range seeds {
				errs[w] = errors.Join(errs[w], s.one(seed))
			}
		})
	}
	for seed := from; seed < to; seed++ {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
	return errors.Join(errs...)
}

// one makes the mutant of a seed and gives it to one command.
func (s *series) one(seed uint64) error {
	dir := filepath.Join(s.dir, fmt.Sprint(seed))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := rand.New(rand.NewPCG(seed, 0))
	o, k, err := s.make(r, dir)
	if err != nil {
		return fmt.Errorf("making mutant %d: %w", seed, err)
	}
	c := k.commands[r.IntN(len(k.commands))]
	var got outcome
	fault := ""
	for _, line := range c.lines {
		if got, err = try(s.runner, dir, s.args(line, dir, o.good)); err != nil {
			return err
		}
		fault = got.fault(cmp.Or(c.memory, maxRSS))
		s.measure(k.name, c.name, got)
		if fault != "" || got.code != 0 {
			break
		}
	}
	s.count1(k.name, c.name, got, fault)
	if fault == "" {
		return nil
	}
	return s.report(seed, dir, fmt.Sprintf("mutant %d, %s, %s: %s", seed, k.name, c.name, fault), got.stderr)
}

// make makes a mutant below dir. An original that has no part of the kind gives way
// to another draw.
func (s *series) make(r *rand.Rand, dir string) (original, kind, error) {
	for {
		o, k := s.originals[r.IntN(len(s.originals))], draw(r, s.kinds)
		err := k.damage(r, o, dir)
		if !errors.Is(err, errAbsent) {
			return o, k, err
		}
	}
}

// row returns the row of a kind and a command; s.mu is held.
func (s *series) row(kind, command string) *row {
	name := kind + " | " + command
	if s.results.Rows[name] == nil {
		s.results.Rows[name] = &row{}
	}
	return s.results.Rows[name]
}

func (s *series) measure(kind, command string, got outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.row(kind, command)
	r.MostMemory, r.MostTime = max(r.MostMemory, got.rss), max(r.MostTime, got.cpu)
}

// count1 counts a mutant by how its last process ended.
func (s *series) count1(kind, command string, got outcome, fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.row(kind, command)
	switch {
	case fault != "":
		r.Faults++
	case got.code == 0:
		r.Succeeded++
	case got.code == 1:
		r.Refused++
	default:
		r.Usage++
	}
}

// report prints a fault and keeps the mutant.
func (s *series) report(seed uint64, dir, what, stderr string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s\n%.2000s\n", what, stderr)
	if s.keep == "" {
		return nil
	}
	kept := filepath.Join(s.keep, fmt.Sprint(seed))
	if err := os.RemoveAll(kept); err != nil {
		return err
	}
	return os.CopyFS(kept, os.DirFS(dir))
}

// table prints the results in Markdown and returns the number of faults.
func (s *series) table() int {
	w := tabwriter.NewWriter(s.out, 0, 0, 1, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "| damaged\t| command\t| succeeded\t| refused\t| usage errors\t| faults\t| memory\t| CPU time\t|")
	fmt.Fprintln(w, "|---\t|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|")
	var sum row
	for _, name := range slices.Sorted(maps.Keys(s.results.Rows)) {
		r := s.results.Rows[name]
		r.print(w, name)
		sum.add(*r)
	}
	sum.print(w, "all | "+fmt.Sprint(len(s.results.Rows))+" pairs")
	return sum.Faults
}

func (r *row) add(o row) {
	r.Succeeded, r.Refused, r.Usage, r.Faults = r.Succeeded+o.Succeeded, r.Refused+o.Refused, r.Usage+o.Usage, r.Faults+
		o.Faults
	r.MostMemory, r.MostTime = max(r.MostMemory, o.MostMemory), max(r.MostTime, o.MostTime)
}

func (r *row) print(w io.Writer, name string) {
	kind, command, _ := strings.Cut(name, " | ")
	fmt.Fprintf(w, "| %s\t| %s\t| %d\t| %d\t| %d\t| %d\t| %d MiB\t| %v\t|\n", kind, command,
		r.Succeeded, r.Refused, r.Usage, r.Faults, r.MostMemory>>20, r.MostTime.Round(10*time.Millisecond))
}
