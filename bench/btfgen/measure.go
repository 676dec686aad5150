package main

import (
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// figure is what one side of one comparison took.
type figure struct {
	Name string        `json:"name"`
	Wall time.Duration `json:"wall_ns"`
	CPU  time.Duration `json:"cpu_ns"`
	RSS  int64         `json:"peak_rss_bytes"` // of the largest process
}

// figures is all that a run measured.
type figures struct {
	Kernels      int      `json:"kernels"`
	Jobs         int      `json:"jobs"`
	ArchiveBytes int64    `json:"archive_bytes"`
	ShardBytes   int64    `json:"shard_bytes"`
	Sides        []figure `json:"sides"`
	Computed     int      `json:"computed_results"`

	RefLayerBytes int64 `json:"reference_layer_bytes"`
	LayerBytes    int64 `json:"layer_bytes"`

	Growth []growthFigure `json:"growth"`
}

// growthFigure is the time for a shard of some kernels.
type growthFigure struct {
	Kernels  int           `json:"kernels"`
	Computed int           `json:"computed_results"`
	Wall     time.Duration `json:"wall_ns"`
}

// command is one process of a measured job.
type command struct {
	dir  string
	argv []string
}

// usage sums up processes.
type usage struct {
	mu  sync.Mutex
	cpu time.Duration
	rss int64
}

// run runs a command and adds what it used.
func (u *usage) run(b *bench, c command) error {
	cmd := exec.CommandContext(b.ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir = c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %q: %w\n%s", c.argv, err, out)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.rss = max(u.rss, ru.Maxrss*1024)
	}
	return nil
}

// measure runs all jobs, as many at a time as the bench says and the commands
// of one job in order, for each round, and notes the fastest round.
func (b *bench) measure(name string, jobs [][]command) error {
	best := figure{Name: name}
	for range b.Rounds {
		u := &usage{}
		start := time.Now()
		g, _ := errgroup.WithContext(b.ctx)
		g.SetLimit(b.Jobs)
		for _, job := range jobs {
			g.Go(func() error {
				for _, c := range job {
					if err := u.run(b, c); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		wall := time.Since(start)
		if best.Wall == 0 || wall < best.Wall {
			best.Wall, best.CPU, best.RSS = wall, u.cpu, u.rss
		}
	}
	fmt.Fprintf(b.log, "%s: %v\n", name, best.Wall.Round(time.Millisecond))
	b.figures.Sides = append(b.figures.Sides, best)
	return nil
}

// ownCPU returns what this process has used so far.
func ownCPU() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
