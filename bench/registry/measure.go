package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// execute runs command lines one after the other and returns the time that
// they took together.
func (b *bench) execute(home string, lines [][]string) (time.Duration, error) {
	start := time.Now()
	for _, line := range lines {
		cmd := exec.CommandContext(b.ctx, line[0], line[1:]...)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_RUNTIME_DIR="+home, "DOCKER_CONFIG="+home)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("running %q: %w\n%s", line, err, out)
		}
	}
	return time.Since(start), nil
}

// times are the measurements of one side.
type times []time.Duration

func (t times) median() time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[len(sorted)/2]
}

// transfers measures pushes and pulls and prints them.
func (b *bench) transfers() error {
	var err error
	if b.server, err = newServer(b.others["docker-registry"], b.tmp); err != nil {
		return err
	}
	defer b.server.stop()
	sides := b.sides()
	fmt.Printf("%s, %d MiB an artifact, docker-registry on this machine, medians of %d rounds, of one artifact of %d\n\n",
		load(), 2*b.layer>>20, b.rounds, b.roundsOf(1))
	fmt.Print("| whole processes |")
	for _, s := range sides {
		fmt.Printf(" %s |", s.name)
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("--:|", len(sides)))
	for _, n := range slices.Compact([]int{1, b.many}) {
		for _, job := range []struct {
			name    string
			measure func(s side, all []artifact) (time.Duration, error)
		}{{"push", b.measurePush}, {"pull", b.measurePull}} {
			if err := b.row(fmt.Sprintf("%s of %d", job.name, n), b.roundsOf(n), sides, func(s side) (time.Duration, error) {
				return job.measure(s, b.artifacts[:n])
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// roundsOf is how often the transfer of n artifacts is measured: one takes so
// little time that the noise of a machine needs more rounds.
func (b *bench) roundsOf(n int) int {
	if n == 1 {
		return 8 * b.rounds
	}
	return b.rounds
}

// row measures all sides, in another order each round, and prints the medians.
func (b *bench) row(name string, rounds int, sides []side, measure func(side) (time.Duration, error)) error {
	taken := make([]times, len(sides))
	for round := range rounds {
		for i := range sides {
			k := (i + round) % len(sides)
			d, err := measure(sides[k])
			if err != nil {
				return err
			}
			taken[k] = append(taken[k], d)
		}
	}
	fmt.Printf("| %s |", name)
	for _, t := range taken {
		fmt.Printf(" %s |", short(t.median()))
	}
	fmt.Println()
	return nil
}

// fresh returns a new directory, which the caller removes.
func (b *bench) fresh() (string, error) { return os.MkdirTemp(b.tmp, "side-") }

// measurePush pushes into an empty registry.
func (b *bench) measurePush(s side, all []artifact) (time.Duration, error) {
	dir, err := b.fresh()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := b.server.restart(); err != nil {
		return 0, err
	}
	if s.prepare != nil {
		if _, err := b.execute(dir, s.prepare(dir, all)); err != nil {
			return 0, err
		}
	}
	return b.execute(dir, s.push(dir, all))
}

// measurePull pulls into an empty directory what the push before has left.
func (b *bench) measurePull(s side, all []artifact) (time.Duration, error) {
	dir, err := b.fresh()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	return b.execute(dir, s.pull(dir, all))
}

// starts measures how long gadget-run takes to read a gadget of a store with
// few and with many: whole processes that print the help of a gadget.
func (b *bench) starts() error {
	const rounds = 41
	sizes := []int{1, b.stored}
	taken := make([]times, len(sizes))
	lines := make([][][]string, len(sizes))
	for i, n := range sizes {
		state := filepath.Join(b.tmp, fmt.Sprint("stored-", n))
		ref, err := b.fill(state, n)
		if err != nil {
			return err
		}
		lines[i] = [][]string{{b.gadgetRun, "--state", state, "run", "--pull=never", ref, "--help"}}
	}
	for round := range rounds {
		for i := range sizes {
			k := (i + round) % len(sizes)
			d, err := b.execute(b.tmp, lines[k])
			if err != nil {
				return err
			}
			taken[k] = append(taken[k], d)
		}
	}
	fmt.Printf("\n%s, medians of %d rounds\n\n| start of run, stored artifacts | gadget-run |\n|---|--:|\n", load(),
		rounds)
	for i, n := range sizes {
		fmt.Printf("| %d | %s |\n", n, short(taken[i].median()))
	}
	return nil
}

// load describes how busy the machine is with other things.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "load unknown"
	}
	return "load " + strings.Join(strings.Fields(string(data))[:2], " ")
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
